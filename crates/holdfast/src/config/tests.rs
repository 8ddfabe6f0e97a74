use clap::{Args as _, FromArgMatches as _};

use super::setting::SETTINGS;
use super::source::{NodeArgs, Origin, Values};
use super::*;

/// The values a command line gives, without the environment of whoever runs the tests.
fn values(line: &str) -> Result<Values, ConfigError> {
    let command = NodeArgs::augment_args(clap::Command::new("serve"));
    let command = command.mut_args(|arg| arg.env(None::<&str>));
    let matches = command
        .try_get_matches_from(std::iter::once("serve").chain(line.split_whitespace()))
        .unwrap_or_else(|error| panic!("{error}"));
    Values::resolve(&NodeArgs::from_arg_matches(&matches).unwrap())
}

fn config(line: &str) -> Result<Config, ConfigError> {
    Config::from_values(&values(line)?)
}

fn refusal(line: &str) -> String {
    config(line)
        .map(|config| format!("accepted: {config:?}"))
        .unwrap_or_else(|e| e.to_string())
}

const THREE: &str = "1=a:7500@http://a:7400,2=b:7500@b:7400,3=c:7500@http://c:7400/";

#[test]
fn a_founder_takes_its_addresses_from_the_list() {
    let config = config(&format!(
        "--node-id 2 --data-dir /d --bootstrap --initial-cluster {THREE}"
    ))
    .unwrap();
    assert_eq!(config.listen.peer_advertise, "b:7500");
    assert_eq!(config.listen.api_advertise, "http://b:7400");
    let Start::Found(list) = config.start else {
        panic!("not founding")
    };
    assert_eq!(list.len(), 3);
}

#[test]
fn the_same_list_in_another_order_is_the_same_cluster_and_another_list_is_not() {
    let id = |text: &str, token: &str| {
        let parts: Vec<String> = text.split(',').map(str::to_owned).collect();
        InitialCluster::parse(&parts).unwrap().cluster_id(token)
    };
    let turned = "3=c:7500@http://c:7400,1=a:7500@http://a:7400,2=b:7500@http://b:7400";
    assert_eq!(id(THREE, "t"), id(turned, "t"));
    assert_ne!(id(THREE, "t"), id(THREE, "u"));
    assert_ne!(id(THREE, "t"), id(&THREE.replace("b:7500", "b:7501"), "t"));
    // Nodes of one cluster may run different builds: the id must never change its meaning.
    assert_eq!(
        id("1=a:1@http://a:2", "t").to_string(),
        "8fabac4f2a2f472e2a38d1959f893adc"
    );
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("holdfast.toml");
    std::fs::write(
        &path,
        "node-id = 4\ndata-dir = \"/from/file\"\njoin = [\"http://a:7400\", \"http://b:7400\"]\n",
    )
    .unwrap();
    let values = values(&format!("--config {} --node-id 5", path.display())).unwrap();
    let config = Config::from_values(&values).unwrap();
    assert_eq!(config.node_id, 5);
    assert_eq!(config.data_dir, PathBuf::from("/from/file"));
    assert_eq!(
        config.start,
        Start::Join(vec!["http://a:7400".into(), "http://b:7400".into()])
    );
    assert_eq!(values.origin("node-id"), Origin::Flag);
    assert_eq!(values.origin("data-dir"), Origin::File(path));
    assert_eq!(values.origin("api-listen"), Origin::Default);
}

#[test]
fn mistakes_are_named_with_their_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("holdfast.toml");
    let with = |text: &str| {
        std::fs::write(&path, text).unwrap();
        refusal(&format!("--config {} --data-dir /d", path.display()))
    };
    assert!(with("node_id = 1").contains("did you mean node-id?"));
    assert!(with("node-id = \"one\"").contains("a whole number is expected"));
    assert!(with("node-id = 1.5").contains("N is expected"));
    assert!(with("node-id = [").contains("holdfast.toml"));
    assert!(refusal("--config /does/not/exist --node-id 1").contains("cannot be read"));
}

#[test]
fn contradictions_are_refused_with_the_way_out() {
    let with = |rest: &str| refusal(&format!("--node-id 1 --data-dir /d {rest}"));
    assert!(refusal("--data-dir /d").contains("HOLDFAST_NODE_ID"));
    assert!(refusal("--node-id 0 --data-dir /d").contains("start at 1"));
    assert!(with("--bootstrap").contains("initial-cluster"));
    assert!(with("--bootstrap --join http://a:1").contains("one of them"));
    let others = "2=b:7500@http://b:7400";
    assert!(with(&format!("--bootstrap --initial-cluster {others}")).contains("does not name"));
    assert!(
        with(&format!(
            "--bootstrap --initial-cluster {THREE} --peer-advertise x:1"
        ))
        .contains("it advertises")
    );
    assert!(with("--peer-listen 0.0.0.0:7500").contains("set peer-advertise"));
    assert!(with("--api-listen 7400").contains("HOST:PORT"));
    assert!(with("--heartbeat 400ms").contains("election_min >= 3 * heartbeat"));
    assert!(with("--profile moon").contains("use lan or wan"));
    assert!(with("--cluster-id 12").contains("32 hexadecimal digits"));
    assert!(with("--fence-token-lifetime 25h").contains("it must be 1s to 24h"));
    assert!(with("--fence-token-key-lifetime 1h").contains("it must be 6h to 366d"));
    assert!(with("--event-bytes-max 0").contains("at least 1"));
    assert!(with("--log-level info,=x=").contains("log-level"));
    assert!(with("--service-checks no").contains("on or off is expected"));
    assert!(with("--initial-cluster 1=a:1@a:2,1=b:1@b:2").contains("named twice"));
    assert!(with("--initial-cluster 1=a:1@a:2,2=a:1@b:2").contains("another entry"));
}

#[test]
fn defaults_in_the_table_are_those_of_the_crates() {
    let config = config("--node-id 1 --data-dir /d").unwrap();
    assert_eq!(config.timing, Timing::default());
    assert_eq!(config.raft, RaftSettings::default());
    assert_eq!(config.node, NodeSettings::default());
    assert_eq!(config.start, Start::Resume);
    let lifetime = http_api::ApiSettings::default().fence_token_lifetime;
    assert_eq!(config.fence_tokens.lifetime, lifetime);
}

#[test]
fn services_are_checked_unless_that_is_switched_off() {
    let checks = |rest: &str| {
        let config = config(&format!("--node-id 1 --data-dir /d {rest}")).unwrap();
        config.node.service_checks
    };
    assert!(checks(""));
    assert!(checks("--service-checks on"));
    assert!(!checks("--service-checks off"));
}

#[test]
fn keys_are_unique_and_described() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        assert!(
            SETTINGS
                .iter()
                .skip(index + 1)
                .all(|other| other.key != setting.key)
        );
        assert!(setting.help.ends_with('.'), "{}", setting.key);
    }
}

/// Curator's clients go to the addresses they find in `/zookeeper/config`, and to no others.
#[test]
fn what_zookeeper_clients_are_told_is_never_every_interface() {
    let advertised = |more: &str| {
        let line =
            format!("--node-id 1 --data-dir /d --api-advertise http://zk-1.example:7400 {more}");
        config(&line).map(|config| config.zookeeper.map(|door| door.advertise))
    };
    let given = "--zookeeper-listen 0.0.0.0:2181 --zookeeper-advertise 10.0.0.1:12181";
    assert_eq!(advertised(given), Ok(Some("10.0.0.1:12181".to_owned())));
    let alone = "--zookeeper-listen 127.0.0.1:2181";
    assert_eq!(advertised(alone), Ok(Some("127.0.0.1:2181".to_owned())));
    for every in ["0.0.0.0", "[::]"] {
        let silent = format!("--zookeeper-listen {every}:2181");
        assert_eq!(
            advertised(&silent),
            Ok(Some("zk-1.example:2181".to_owned()))
        );
        let wrong = format!("--zookeeper-listen 127.0.0.1:2181 --zookeeper-advertise {every}:2181");
        assert!(advertised(&wrong).is_err());
    }
    assert_eq!(advertised(""), Ok(None));
}
