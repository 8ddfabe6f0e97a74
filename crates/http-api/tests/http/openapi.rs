use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::harness::Doors;

/// The committed document is what the code serves. `UPDATE=1 cargo test` rewrites it.
#[test]
fn the_committed_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let text = http_api::openapi::document_text();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/reference/openapi.json is out of date: run with UPDATE=1"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_served_is_what_is_described() {
    let doors = Doors::open(1).await;
    let served = doors.one().get("/openapi.json").send().await.expect(200);
    assert_eq!(served["info"]["title"], "Holdfast");
    let mut operations = BTreeSet::new();
    for (path, item) in served["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(
                operations.insert(id.clone()),
                "operation id {id} stands twice"
            );
            let url = path.replace("{", "").replace("}", "");
            let method = axum::http::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let is_stream =
                operation["responses"]["200"]["content"]["text/event-stream"].is_object();
            if is_stream {
                continue;
            }
            let answer = doors.one().ask(method.clone(), &url).send().await;
            let lost = matches!(answer.status.as_u16(), 405)
                || (!answer.body.is_empty()
                    && serde_json::from_slice::<Value>(&answer.body)
                        .is_ok_and(|document| document["code"] == "not_found")
                    && !path.starts_with("/errors/"));
            assert!(
                !lost,
                "{method} {url} is described and not served: {answer:?}"
            );
        }
    }
    assert!(
        operations.len() >= 50,
        "only {} operations",
        operations.len()
    );
}

/// Every `$ref` leads somewhere.
#[test]
fn every_schema_that_is_named_is_there() {
    let document: Value = serde_json::from_str(&http_api::openapi::document_text()).unwrap();
    let mut names = Vec::new();
    references(&document, &mut names);
    assert!(!names.is_empty());
    for name in names {
        let pointer = name.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{name} is nowhere");
    }
}

fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str().filter(|_| key == "$ref") {
                    Some(name) => names.push(name.to_owned()),
                    None => references(value, names),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
