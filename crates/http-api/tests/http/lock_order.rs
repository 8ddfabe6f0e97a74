//! `GET /v1/locks?sort=queue`.

use serde_json::{Value, json};

use crate::harness::{Client, Doors};

/// A lock with one holder and so many waiters.
async fn queue(client: &Client, lock: &str, waiters: usize) {
    for claim in 0..=waiters {
        let body = json!({"wait": "2m"});
        let url = format!("/v1/locks/{lock}/-/claims/c{claim}");
        let answer = client.put(&url).session("s").json(&body).send().await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
}

fn names(page: &Value) -> Vec<&str> {
    let locks = page["locks"].as_array().unwrap().iter();
    locks.map(|lock| lock["lock"].as_str().unwrap()).collect()
}

/// Follows the links to the end; gives the pages.
async fn pages(client: &Client, first: &str) -> Vec<Value> {
    let mut url = first.to_owned();
    let mut pages = Vec::new();
    loop {
        let answer = client.get(&url).send().await;
        let links = answer.headers.get_all("link");
        let next = links.iter().find_map(|link| {
            let link = link.to_str().unwrap().strip_suffix("; rel=\"next\"")?;
            Some(link.trim_matches(['<', '>']).to_owned())
        });
        let page = answer.expect(200);
        assert_eq!(page.get("next").is_some(), next.is_some(), "{page}");
        pages.push(page);
        assert!(pages.len() < 10, "the pages do not come to an end: {url}");
        match next {
            Some(next) => url = next,
            None => return pages,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_queue_comes_first_and_pages_go_on_in_that_order() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s").await;
    for (lock, waiters) in [
        ("p/a", 1),
        ("p/b", 3),
        ("p/c", 0),
        ("p/d:e", 3),
        ("p/f", 1),
        ("q/z", 5),
    ] {
        queue(&client, lock, waiters).await;
    }
    let by_queue = ["p/b", "p/d:e", "p/a", "p/f", "p/c"];
    let all = client.get("/v1/locks?prefix=p/&sort=queue").send().await;
    let all = all.expect(200);
    assert_eq!(names(&all), by_queue);
    assert_eq!(all["locks"][0]["queue_length"], 3);
    assert_eq!(all["locks"][0]["holder"]["session"], "s");
    for limit in 1..=6 {
        let url = format!("/v1/locks?prefix=p/&sort=queue&limit={limit}");
        let pages = pages(&client, &url).await;
        assert_eq!(pages.len(), by_queue.len().div_ceil(limit));
        let listed: Vec<&str> = pages.iter().flat_map(names).collect();
        assert_eq!(listed, by_queue, "in pages of {limit}");
    }
    let everywhere = client.get("/v1/locks?sort=queue&limit=1").send().await;
    let everywhere = everywhere.expect(200);
    assert_eq!(names(&everywhere), ["q/z"]);
    assert_eq!(everywhere["next"], "5:q/z");
    let by_name = client.get("/v1/locks?prefix=p/&sort=name").send().await;
    let by_name = by_name.expect(200);
    assert_eq!(names(&by_name), ["p/a", "p/b", "p/c", "p/d:e", "p/f"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_is_filtered_and_malformed_places_are_refused() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s").await;
    queue(&client, "held", 1).await;
    client
        .put("/v1/locks/free")
        .text("{}")
        .send()
        .await
        .expect(200);
    for (state, expected) in [("held", "held"), ("free", "free")] {
        let url = format!("/v1/locks?sort=queue&state={state}");
        let page = client.get(&url).send().await.expect(200);
        assert_eq!(names(&page), [expected]);
    }
    // A place that nobody has is a place all the same: the queue may have changed since.
    let page = client.get("/v1/locks?sort=queue&after=1:a").send().await;
    assert_eq!(names(&page.expect(200)), ["held", "free"]);
    for bad in ["after=held", "after=x:held", "after=1:"] {
        let url = format!("/v1/locks?sort=queue&{bad}");
        let refused = client.get(&url).send().await;
        assert_eq!(refused.status, 400, "{refused:?}");
    }
    let unknown = client.get("/v1/locks?sort=size").send().await;
    unknown.problem(400, "bad_request");
}
