//! Query parameters.

use axum::extract::Query;
use axum::http::Uri;
use serde::de::DeserializeOwned;

use crate::error::Problem;

/// Reads the query into `T`. Types say `deny_unknown_fields`: a misspelt parameter is an error and
/// not silently without effect.
///
/// # Errors
/// When a parameter is unknown, given twice or malformed.
pub(crate) fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    match Query::<T>::try_from_uri(uri) {
        Ok(Query(query)) => Ok(query),
        Err(rejection) => Err(Problem::bad_request(rejection.body_text())),
    }
}
