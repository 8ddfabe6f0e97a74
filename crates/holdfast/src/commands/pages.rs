//! Lists that are read page by page.

use crate::exit::Failure;

/// Things asked for at once.
const PAGE: usize = 500;

/// One page of a list.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// After which the next page begins; `None`: this is the last.
    pub(super) next: Option<String>,
}

/// The whole list, or the first `limit` of it. `read` asks for one page: what comes after this, and
/// at most so many.
pub(super) async fn read_all<T>(
    limit: Option<usize>,
    mut read: impl AsyncFnMut(Option<String>, usize) -> Result<Page<T>, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let left = limit.map_or(PAGE, |limit| limit.saturating_sub(all.len()).min(PAGE));
        if left == 0 {
            break;
        }
        let page = read(after, left).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(all)
}
