//! Three nodes start, agree, and every one of them answers.

use holdfast_tests::Cluster;

#[test]
fn three_nodes_agree_on_a_leader_and_show_each_other() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader();
    for id in cluster.ids() {
        let status = cluster.status(id).expect("every node answers");
        assert_eq!(status["leader"], format!("n{leader}"));
        assert_eq!(status["node"], format!("n{id}"));
        assert_eq!(
            status["members"].as_array().map(Vec::len),
            Some(3),
            "{status}"
        );
        assert_eq!(status["quorum"], 2);
        assert_eq!(status["failure_tolerance"], 1);
        assert_eq!(status["cluster_id"].as_str().map(str::len), Some(32));
    }
}

#[test]
fn what_is_written_through_one_node_is_read_from_every_other_at_once() {
    let cluster = Cluster::start(3);
    for writer in cluster.ids() {
        let path = format!("/v1/nodes/from-{writer}");
        let written = cluster
            .http(writer)
            .put(&path, "hello")
            .unwrap()
            .expect(201);
        let index: u64 = written.header("holdfast-index").unwrap().parse().unwrap();
        for reader in cluster.ids() {
            let read = cluster.http(reader).get(&path).unwrap().expect(200);
            assert_eq!(read.body, b"hello");
            assert_eq!(read.header("etag"), Some("\"v0\""));
            let seen: u64 = read.header("holdfast-index").unwrap().parse().unwrap();
            assert!(seen >= index, "{seen} after {index}");
        }
    }
    cluster.wait_digests_agree();
}

#[test]
fn health_metrics_and_self_description_are_served_by_every_node() {
    let cluster = Cluster::start(3);
    for id in cluster.ids() {
        let http = cluster.http(id);
        let _ = http.get("/livez").unwrap().expect(200);
        let ready = http.get("/readyz?verbose=1").unwrap().expect(200).json();
        assert_eq!(ready["status"], "ok", "{ready}");
        assert!(!ready["checks"].as_array().unwrap().is_empty());
        let metrics = http.get("/metrics").unwrap().expect(200).text();
        assert!(
            metrics.trim_end().ends_with("# EOF"),
            "not OpenMetrics: {metrics}"
        );
        let openapi = http.get("/openapi.json").unwrap().expect(200).json();
        assert!(openapi["paths"].as_object().unwrap().len() > 10);
        let errors = http.get("/errors/lock-held").unwrap().expect(200);
        assert!(!errors.body.is_empty());
    }
}

#[test]
fn every_answer_names_node_leader_and_index() {
    let cluster = Cluster::start(3);
    let leader = cluster.leader();
    for id in cluster.ids() {
        let answer = cluster.http(id).get("/v1/locks/nobody/has/this").unwrap();
        assert_eq!(
            answer.header("holdfast-node"),
            Some(format!("n{id}").as_str())
        );
        let expected = format!("n{leader}; url=\"{}\"", cluster.url(leader));
        assert_eq!(answer.header("holdfast-leader"), Some(expected.as_str()));
        assert!(answer.header("holdfast-index").is_some());
    }
}
