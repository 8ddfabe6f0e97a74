//! Panics of the product: tokio catches them, the simulation must not overlook them.

use std::sync::{Arc, Mutex, PoisonError};

/// The first panic of this process.
#[derive(Clone, Default)]
pub struct Panics(Arc<Mutex<Option<String>>>);

impl Panics {
    /// Notes panics from here on.
    pub fn watch() -> Panics {
        let panics = Panics::default();
        let first = Arc::clone(&panics.0);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| info.to_string());
            before(info);
        }));
        panics
    }

    /// The first one, if there was one.
    pub fn first(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
