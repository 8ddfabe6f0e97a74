//! What is asked of one certain node.

use holdfast_client::ErrorCode;

use crate::client;
use crate::fake::{Fake, Reaction, problem};

#[tokio::test]
async fn the_counts_of_a_node_are_its_own_and_not_of_the_next_one() {
    let counting = Fake::start(|request, _| match request.line().as_str() {
        "GET /metrics" => Reaction::Answer {
            status: 200,
            body: "holdfast_term 7\n".to_owned(),
        },
        _ => Reaction::Cut,
    })
    .await;
    let stopping = Fake::start(|_, _| problem(ErrorCode::ShuttingDown)).await;
    let client = client(&[&counting.url, &stopping.url]);
    let counts = client.metrics_at(&counting.url).await.unwrap();
    assert_eq!(counts, "holdfast_term 7\n");
    let refused = client.metrics_at(&stopping.url).await.unwrap_err();
    assert!(
        refused.to_string().contains("/metrics: status 503"),
        "{refused}"
    );
}
