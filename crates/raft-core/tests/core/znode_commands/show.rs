//! How znodes look in scripts.

use raft_core::acl::AclEntry;
use raft_core::data::Data;
use raft_core::event::EventKind;
use raft_core::outcome::{Reply, TxnReply, ZnodeReply};
use raft_core::znode::Stat;

pub(super) fn shown_acl(entry: &AclEntry) -> String {
    let bits = [(1, 'r'), (2, 'w'), (4, 'c'), (8, 'd'), (16, 'a')];
    let perms: String = bits
        .iter()
        .filter(|(bit, _)| entry.perms.0 & bit != 0)
        .map(|(_, perm)| *perm)
        .collect();
    format!("{perms}:{}:{}", entry.scheme, entry.id)
}

/// `zxids cz/mz/pz times ct/mt versions v/cv/av own=session len=bytes kids=children`
pub(super) fn shown_stat(stat: &Stat) -> String {
    format!(
        "zxids {}/{}/{} times {}/{} versions {}/{}/{} own={} len={} kids={}",
        stat.czxid,
        stat.mzxid,
        stat.pzxid,
        stat.ctime,
        stat.mtime,
        stat.version,
        stat.cversion,
        stat.aversion,
        stat.ephemeral_owner,
        stat.data_length,
        stat.num_children,
    )
}

pub(super) fn shown_data(data: Option<&Data>) -> String {
    match data {
        None => "null".to_owned(),
        Some(data) if data.len() > 40 => format!("<{} bytes>", data.len()),
        Some(data) => format!("{:?}", String::from_utf8_lossy(data)),
    }
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::Znode(reply) => shown_znode_reply(reply),
        Reply::Multi(replies) => joined_with(replies.iter().map(shown_znode_reply), " | "),
        Reply::Txn { then, results } => {
            let branch = if *then { "then" } else { "else" };
            format!(
                "{branch}: {}",
                joined_with(results.iter().map(shown_txn_reply), " | ")
            )
        }
        Reply::SubtreeDeleted { count } => format!("deleted {count}"),
        other => panic!("not of this family: {other:?}"),
    }
}

fn joined_with(items: impl Iterator<Item = String>, separator: &str) -> String {
    let items: Vec<String> = items.collect();
    format!("{} done: {}", items.len(), items.join(separator))
}

fn shown_znode_reply(reply: &ZnodeReply) -> String {
    match reply {
        ZnodeReply::Created { path, stat } => format!("created {path} {}", shown_stat(stat)),
        ZnodeReply::Deleted => "deleted".to_owned(),
        ZnodeReply::DataSet { stat } => format!("set {}", shown_stat(stat)),
        ZnodeReply::AclSet { stat } => format!("acl set {}", shown_stat(stat)),
        ZnodeReply::Checked => "checked".to_owned(),
    }
}

fn shown_txn_reply(reply: &TxnReply) -> String {
    match reply {
        TxnReply::Znode(reply) => shown_znode_reply(reply),
        TxnReply::Got(None) => "got nothing".to_owned(),
        TxnReply::Got(Some(read)) => {
            format!(
                "got {} v{}",
                shown_data(read.data.as_ref()),
                read.stat.version
            )
        }
        TxnReply::Released(ended) => format!("released {} of {}", ended.id, ended.lock),
    }
}

/// Shows an event of this family.
pub(crate) fn shown_event(kind: &EventKind) -> String {
    match kind {
        EventKind::NodeCreated {
            path,
            value,
            content_type,
            stat,
            acl: _,
        } => format!(
            "node.created {path} {} {} v{}",
            shown_data(value.as_ref()),
            content_type.as_deref().unwrap_or("-"),
            stat.version
        ),
        EventKind::NodeChanged {
            path,
            value,
            previous,
            content_type,
            stat,
            acl: _,
        } => format!(
            "node.changed {path} {} was {} {} v{}",
            shown_data(value.as_ref()),
            shown_data(previous.as_ref()),
            content_type.as_deref().unwrap_or("-"),
            stat.version
        ),
        EventKind::NodeAclChanged { path, stat } => {
            format!("node.acl_changed {path} av{}", stat.aversion)
        }
        EventKind::NodeDeleted {
            path,
            previous,
            stat,
            acl: _,
        } => {
            format!(
                "node.deleted {path} was {} v{}",
                shown_data(previous.as_ref()),
                stat.version
            )
        }
        other => panic!("not of this family: {other:?}"),
    }
}
