//! What a node says of its quotas when it refuses.

use http_api::ApiSettings;

use crate::harness::Doors;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_serves_as_much_as_it_may_says_which_quota_is_used_up() {
    let settings = ApiSettings {
        requests_max: 1,
        ..ApiSettings::default()
    };
    let doors = Doors::open_with(1, settings).await;
    let client = doors.one();
    client
        .put("/v1/locks/l")
        .text("{}")
        .send()
        .await
        .expect(200);
    let view = client.get("/v1/locks/l").send().await;
    assert!(
        view.headers.get("ratelimit").is_none(),
        "what is left for all clients together is nobody's to plan with"
    );
    let tag = view.header("etag").to_owned();
    let waiter = client.clone();
    let waiting = tokio::spawn(async move {
        let wait = || {
            let ask = waiter.get("/v1/locks/l").header("if-none-match", &tag);
            ask.header("prefer", "wait=300").send()
        };
        // Refused while a request of the loop below has the only place.
        while wait().await.status == 503 {}
    });
    // The one that waits takes the only place sooner or later.
    let refused = loop {
        let answer = client.get("/v1/nodes/zookeeper").send().await;
        if answer.status == 503 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(
        refused.header("ratelimit-policy"),
        r#""requests";q=1;qu="concurrent-requests""#
    );
    assert_eq!(refused.header("ratelimit"), r#""requests";r=0"#);
    let document = refused.problem(503, "overloaded");
    assert_eq!(document["limited"], "requests");
    assert_eq!(document["limit"], 1);
    // What must always answer is not counted.
    let ready = client.get("/readyz").send().await;
    assert_eq!(ready.status, 200);
    waiting.abort();
}
