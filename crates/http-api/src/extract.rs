//! From bytes of a request to validated types, once, at the door.

pub(crate) mod body;
pub(crate) mod headers;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod range;
