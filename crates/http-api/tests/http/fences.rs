//! Fence registers over HTTP.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Doors};

async fn advance(client: &Client, resource: &str, fence: Value) -> Answer {
    let ask = client.post(&format!("/v1/fences/{resource}/-/advance"));
    ask.json(&json!({"fence": fence})).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_highest_fence_is_kept_and_a_late_one_is_refused_at_every_node() {
    let doors = Doors::open(3).await;
    let client = doors.at(1);
    let first = advance(&client, "reports/2026", json!(18231)).await;
    let index: u64 = first.header("holdfast-index").parse().unwrap();
    let first = first.expect(200);
    assert_eq!(
        (&first["highest"], &first["moved"]),
        (&json!(18231), &json!(true))
    );
    assert_eq!(first["moved_index"], index);
    assert!(first["moved_at"].is_string());
    let equal = advance(&doors.at(2), "reports/2026", json!(18231)).await;
    let equal = equal.expect(200);
    assert_eq!(
        (&equal["moved"], &equal["moved_index"]),
        (&json!(false), &json!(index))
    );
    let late = advance(&doors.at(3), "reports/2026", json!(18230)).await;
    let late = late.problem(412, "fence_register_stale");
    assert_eq!(late["resource"], "reports/2026");
    assert_eq!(
        (&late["fence"], &late["highest"]),
        (&json!(18230), &json!(18231))
    );
    assert_eq!(late["outcome"], "not-applied");
    for id in 1..=3 {
        let read = doors.at(id).get("/v1/fences/reports/2026").send().await;
        let read = read.expect(200);
        assert_eq!(
            (&read["highest"], &read["moved_index"]),
            (&json!(18231), &json!(index))
        );
    }
    let nothing = client.get("/v1/fences/reports").send().await;
    let nothing = nothing.problem(404, "no_fence_register");
    assert_eq!(nothing["resource"], "reports");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forgotten_takes_any_fence() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    advance(&client, "disk", json!(u64::MAX)).await.expect(200);
    let forgotten = client.delete("/v1/fences/disk").send().await.expect(200);
    assert_eq!(forgotten["highest"], json!(u64::MAX));
    let again = client.delete("/v1/fences/disk").send().await;
    again.problem(404, "no_fence_register");
    let new = advance(&client, "disk", json!(0)).await.expect(200);
    assert_eq!((&new["highest"], &new["moved"]), (&json!(0), &json!(true)));
}

/// A key brings the first answer again: that is what it is for, and why none is wanted here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_asks_anew_unless_it_names_a_key() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let keyed = || {
        let ask = client.post("/v1/fences/disk/-/advance");
        let ask = ask.header("idempotency-key", "k");
        ask.json(&json!({"fence": 1})).send()
    };
    keyed().await.expect(200);
    advance(&client, "disk", json!(2)).await.expect(200);
    let replayed = keyed().await;
    assert_eq!(replayed.header("idempotency-replayed"), "true");
    assert_eq!(replayed.expect(200)["highest"], 1);
    let anew = advance(&client, "disk", json!(1)).await;
    anew.problem(412, "fence_register_stale");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registers_are_listed_page_by_page() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for (name, fence) in [("b/2", 2), ("a", 1), ("b/1", 3), ("c", 4)] {
        advance(&client, name, json!(fence)).await.expect(200);
    }
    let names = |page: &Value| -> Vec<String> {
        let rows = page["fences"].as_array().unwrap().iter();
        rows.map(|row| row["resource"].as_str().unwrap().to_owned())
            .collect()
    };
    let page = client.get("/v1/fences?limit=3").send().await;
    assert_eq!(
        page.header("link"),
        "</v1/fences?limit=3&after=b/2>; rel=\"next\""
    );
    let page = page.expect(200);
    assert_eq!(names(&page), ["a", "b/1", "b/2"]);
    assert_eq!(page["next"], "b/2");
    let last = client.get("/v1/fences?limit=3&after=b/2").send().await;
    let last = last.expect(200);
    assert_eq!(names(&last), ["c"]);
    assert_eq!(last["next"], Value::Null);
    let below = client.get("/v1/fences?prefix=b/&limit=2").send().await;
    let below = below.expect(200);
    assert_eq!(names(&below), ["b/1", "b/2"]);
    assert_eq!(below["next"], Value::Null);
}
