//! What each command tells. Names of fields are the `AdminServer`'s.

use raft_core::state::State;
use serde_json::{Map, Value, json};

use super::Fields;
use crate::door::Door;
use crate::door::mode::{ServerMode, server_mode};
use crate::door::report::connections::{self as listed, Detail};
use crate::door::report::gauges::{millis, proposal_sizes};
use crate::door::report::{
    LISTED_MAX, Rows, configuration as settings, environment as surroundings, hex,
    monitor as monitored, sessions, version, watching,
};
use crate::door::stats::SizesReading;

fn object(value: Value) -> Fields {
    if let Value::Object(fields) = value {
        Ok(fields)
    } else {
        Err(format!("{value} is no object"))
    }
}

/// A list that was cut says so.
fn cut(fields: Fields, is_cut: bool) -> Fields {
    let mut fields = fields?;
    if is_cut {
        fields.insert("listed_max".to_owned(), json!(LISTED_MAX));
    }
    Ok(fields)
}

fn of_rows(rows: Rows) -> Fields {
    Ok(rows.into_iter().collect::<Map<_, _>>())
}

pub(super) fn nothing(_: &Door) -> Fields {
    Ok(Map::new())
}

pub(super) fn reset_connections(door: &Door) -> Fields {
    door.stats.reset_connections();
    Ok(Map::new())
}

pub(super) fn reset_server(door: &Door) -> Fields {
    door.stats.reset();
    door.node.metrics().reset_entry_sizes();
    Ok(Map::new())
}

pub(super) fn configuration(door: &Door) -> Fields {
    of_rows(settings::fields(door))
}

pub(super) fn connections(door: &Door) -> Fields {
    let all = listed::fields(door, Detail::Full);
    let is_cut = all.len() >= LISTED_MAX;
    let fields = object(json!({"connections": all, "secure_connections": []}));
    cut(fields, is_cut)
}

pub(super) fn dirs(door: &Door) -> Fields {
    let sizes = door.installation.disk.sizes();
    let sizes = sizes.map_err(|error| format!("The data directory cannot be read: {error}"))?;
    object(json!({"datadir_size": sizes.snapshots, "logdir_size": sizes.log}))
}

pub(super) fn dump(door: &Door) -> Fields {
    let expiries = sessions::expiries(door).unwrap_or_default().into_iter();
    let by_expiry: Map<String, Value> = expiries
        .map(|(at, sessions)| {
            let ids: Vec<u64> = sessions.iter().map(|session| session.0).collect();
            (at.to_string(), json!(ids))
        })
        .collect();
    let (owners, is_all) = sessions::ephemerals(&door.node.state());
    let owners: Map<String, Value> = owners
        .into_iter()
        .map(|(session, paths)| (session.0.to_string(), json!(paths)))
        .collect();
    let is_cut = !is_all || door.node.state().counts().sessions > LISTED_MAX;
    let fields = object(json!({
        "expiry_time_to_session_ids": by_expiry,
        "session_id_to_ephemeral_paths": owners,
    }));
    cut(fields, is_cut)
}

pub(super) fn environment(_: &Door) -> Fields {
    of_rows(surroundings::rows())
}

pub(super) fn trace_mask(_: &Door) -> Fields {
    object(json!({"tracemask": 0}))
}

pub(super) fn hash(door: &Door) -> Fields {
    let (zxid, digest) = door
        .node
        .peek(|state| (state.last_zxid().0, State::digest(state)));
    object(json!({"digests": [{"zxid": zxid, "digest": format!("{digest:032x}")}]}))
}

pub(super) fn initial_configuration(_: &Door) -> Fields {
    object(json!({"initial_configuration": null}))
}

pub(super) fn is_read_only(door: &Door) -> Fields {
    object(json!({"read_only": reads_only(door)}))
}

fn reads_only(door: &Door) -> bool {
    server_mode(door).is_some_and(ServerMode::is_read_only)
}

pub(super) fn leader(door: &Door) -> Fields {
    let status = door.node.status();
    let members = door.node.members_known();
    let leader = members
        .iter()
        .find(|member| Some(member.id) == status.leader);
    let host = leader.and_then(|leader| leader.peer.rsplit_once(':'));
    object(json!({
        "is_leader": status.leader == Some(status.id),
        "leader_id": status.leader,
        "leader_ip": host.map_or("", |(host, _)| host),
    }))
}

pub(super) fn monitor(door: &Door) -> Fields {
    of_rows(monitored::rows(door))
}

pub(super) fn observers(door: &Door) -> Fields {
    let members = door.node.members_known();
    let observers: Vec<Value> = members
        .iter()
        .filter(|member| !member.voter && member.in_step.is_some())
        .map(|member| {
            json!({
                "sid": member.id,
                "address": member.peer,
                "in_step": member.in_step,
            })
        })
        .collect();
    let synced = observers
        .iter()
        .filter(|one| one["in_step"] == true)
        .count();
    object(json!({"synced_observers": synced, "observers": observers}))
}

pub(super) fn server_stats(door: &Door) -> Fields {
    let stats = &door.stats;
    let since_reset = &stats.since_reset;
    let latency = stats.latency();
    let replies = buffer_sizes(since_reset.reply_sizes.read());
    let disk = door.installation.disk.sizes().unwrap_or_default();
    let mode = server_mode(door);
    let (zxid, znodes) = door
        .node
        .peek(|state| (state.last_zxid().0, state.counts().znodes));
    let mut fields = object(json!({
        "version": version(),
        "read_only": reads_only(door),
        "server_stats": {
            "packets_sent": since_reset.sent.get(),
            "packets_received": since_reset.received.get(),
            "fsync_threshold_exceed_count": 0,
            "client_response_stats": replies,
            "outstanding_requests": stats.outstanding(),
            "min_latency": latency.min_ms,
            "avg_latency": latency.avg_ms,
            "max_latency": latency.max_ms,
            "data_dir_size": disk.snapshots,
            "log_dir_size": disk.log,
            "last_processed_zxid": zxid,
            "num_alive_client_connections": stats.register.len(),
            "auth_failed_count": stats.auth_failed.get(),
            "non_mtlsremote_conn_count": 0,
            "non_mtlslocal_conn_count": 0,
            "provider_null": false,
            "server_state": mode.map_or("", ServerMode::name),
            "uptime": millis(stats.uptime()),
        },
        "client_response": replies,
        "node_count": znodes,
    }))?;
    if mode == Some(ServerMode::Leader) {
        let proposals = buffer_sizes(proposal_sizes(door));
        fields.insert("proposal_stats".to_owned(), proposals);
    }
    Ok(fields)
}

fn buffer_sizes(sizes: SizesReading) -> Value {
    json!({
        "last_buffer_size": sizes.last,
        "min_buffer_size": sizes.min,
        "max_buffer_size": sizes.max,
    })
}

pub(super) fn stats(door: &Door) -> Fields {
    let mut fields = server_stats(door)?;
    let connections = listed::fields(door, Detail::Brief);
    fields.insert("connections".to_owned(), json!(connections));
    fields.insert("secure_connections".to_owned(), json!([]));
    Ok(fields)
}

pub(super) fn voting_view(door: &Door) -> Fields {
    let members = door.node.members_known().into_iter();
    let state = door.node.state();
    let voters: Map<String, Value> = members
        .filter(|member| member.voter)
        .map(|member| {
            let client = state.member(member.id).and_then(|m| m.clients.clone());
            let shown = json!({
                "server_addresses": [member.peer],
                "election_addresses": [member.peer],
                "client_address": client.unwrap_or_default(),
                "learner_type": "participant",
            });
            (member.id.to_string(), shown)
        })
        .collect();
    object(json!({"current_config": voters}))
}

pub(super) fn watch_summary(door: &Door) -> Fields {
    let counts = door.watches.counts();
    object(json!({
        "num_connections": counts.connections,
        "num_paths": counts.paths,
        "num_total_watches": counts.watches,
    }))
}

pub(super) fn watches(door: &Door) -> Fields {
    let all = watching::by_session(door).into_iter();
    let all: Map<String, Value> = all
        .map(|(session, paths)| (session.to_string(), json!(paths)))
        .collect();
    let fields = object(json!({"session_id_to_watched_paths": all}));
    cut(fields, door.watches.counts().watches > LISTED_MAX)
}

pub(super) fn watches_by_path(door: &Door) -> Fields {
    let fields = object(json!({"path_to_session_ids": watching::by_path(door)}));
    cut(fields, door.watches.counts().watches > LISTED_MAX)
}

pub(super) fn zab_state(door: &Door) -> Fields {
    let status = door.node.status();
    let members = door.node.members_known();
    let own = members.iter().find(|member| member.id == status.id);
    let peer = own.map(|own| own.peer.clone()).unwrap_or_default();
    let address = json!({"one": peer, "all_addresses": [peer], "empty": peer.is_empty()});
    object(json!({
        "myid": status.id,
        "is_leader": status.leader == Some(status.id),
        "quorum_address": address,
        "election_address": address,
        "client_address": door.installation.client_address.to_string(),
        "voting": own.is_some_and(|own| own.voter),
        "last_zxid": hex(status.applied.0),
        // A term of Raft is what an epoch is there, but it is no part of a zxid here.
        "zab_epoch": status.term,
        "zab_counter": status.applied.0,
        "zabstate": "broadcast",
    }))
}
