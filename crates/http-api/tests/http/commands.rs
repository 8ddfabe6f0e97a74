//! Commands of another door are served where there is one.

use std::sync::Arc;

use axum::http::Method;
use futures::FutureExt;
use futures::future::BoxFuture;
use http_api::{AdminCommands, ApiSettings, CommandAnswer, CommandMethod};
use serde_json::json;

use crate::harness::{Client, Doors};

/// Tells what it was asked.
struct Parrot;

impl AdminCommands for Parrot {
    fn names(&self) -> Vec<&'static str> {
        vec!["one", "two"]
    }

    fn run(&self, name: String, method: CommandMethod) -> BoxFuture<'static, CommandAnswer> {
        let status = match method {
            CommandMethod::Get => 200,
            CommandMethod::Post => 501,
        };
        let fields = [("command".to_owned(), json!(name))].into_iter().collect();
        async move { CommandAnswer { status, fields } }.boxed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_handed_on_with_their_names_and_methods() {
    let doors = Doors::open(1).await;
    let node = doors.cluster.node(1).clone();
    let commands = Arc::new(Parrot);
    let client = Client::of(http_api::router_with_commands(
        node,
        ApiSettings::default(),
        commands,
    ));
    let answer = client.get("/commands/any%20thing").send().await.expect(200);
    assert_eq!(answer["command"], "any thing");
    let answer = client.post("/commands/two").send().await.expect(501);
    assert_eq!(answer["command"], "two");
    let list = client.get("/commands").send().await;
    let list = String::from_utf8(list.body.to_vec()).unwrap();
    assert_eq!(
        list,
        "<a href=\"/commands/one\">one</a>\n<br/>\n<a href=\"/commands/two\">two</a>\n<br/>\n"
    );
    let described = client.get("/openapi.json").send().await.expect(200);
    assert!(described["paths"]["/commands/{name}"].is_object());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_another_door_there_are_none() {
    let doors = Doors::open(1).await;
    for (method, path) in [
        (Method::GET, "/commands"),
        (Method::GET, "/commands/one"),
        (Method::POST, "/commands/one"),
    ] {
        let answer = doors.one().ask(method, path).send().await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let described = doors.one().get("/openapi.json").send().await.expect(200);
    assert!(described["paths"]["/commands"].is_null());
    assert!(described["paths"]["/livez"].is_object());
}
