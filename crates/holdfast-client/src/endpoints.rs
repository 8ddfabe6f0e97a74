//! The nodes a client may ask, and which one it asks now.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;

/// Most endpoints of one client.
pub(crate) const ENDPOINTS_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Endpoints {
    urls: Vec<String>,
    current: AtomicUsize,
}

impl Endpoints {
    /// Base URLs, with `http://` where no scheme is given and without a slash at the end.
    pub(crate) fn new(urls: impl IntoIterator<Item = String>) -> Result<Endpoints, Error> {
        let mut clean: Vec<String> = Vec::new();
        for url in urls {
            let url = url.trim();
            if url.is_empty() {
                continue;
            }
            let url = if url.contains("://") {
                url.to_owned()
            } else {
                format!("http://{url}")
            };
            let parsed = reqwest::Url::parse(&url)
                .map_err(|error| Error::Invalid(format!("endpoint {url:?}: {error}")))?;
            if parsed.scheme() != "http" || parsed.host_str().is_none() {
                return Err(Error::Invalid(format!(
                    "endpoint {url:?}: only http://host:port is understood"
                )));
            }
            let url = url.trim_end_matches('/');
            if !clean.iter().any(|known| known == url) {
                clean.push(url.to_owned());
            }
        }
        if clean.is_empty() || clean.len() > ENDPOINTS_MAX {
            return Err(Error::Invalid(format!(
                "a client needs between 1 and {ENDPOINTS_MAX} endpoints, {} given",
                clean.len()
            )));
        }
        Ok(Endpoints {
            urls: clean,
            current: AtomicUsize::new(0),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.urls.len()
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.urls
    }

    /// The one to ask now.
    pub(crate) fn current(&self) -> (usize, &str) {
        let index = self.current.load(Ordering::Relaxed) % self.urls.len();
        (index, self.urls.get(index).map_or("", String::as_str))
    }

    /// Moves on from an endpoint that failed; does nothing if somebody else already did.
    pub(crate) fn leave(&self, index: usize) {
        let next = (index + 1) % self.urls.len();
        let _ = self
            .current
            .compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(urls: &[&str]) -> Result<Endpoints, Error> {
        Endpoints::new(urls.iter().map(|url| (*url).to_owned()))
    }

    #[test]
    fn urls_are_cleaned() {
        let found = endpoints(&["127.0.0.1:7401", "http://h:1/", " http://h:1 ", ""]).unwrap();
        assert_eq!(found.all(), ["http://127.0.0.1:7401", "http://h:1"]);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        assert!(endpoints(&[]).is_err());
        assert!(endpoints(&["https://h:1"]).is_err());
        assert!(endpoints(&["http://"]).is_err());
    }

    #[test]
    fn leaving_twice_moves_once() {
        let found = endpoints(&["a:1", "b:1", "c:1"]).unwrap();
        found.leave(0);
        found.leave(0);
        assert_eq!(found.current(), (1, "http://b:1"));
        found.leave(1);
        found.leave(2);
        assert_eq!(found.current().0, 0);
    }
}
