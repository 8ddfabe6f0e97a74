//! Look-ups derived from the tables, computed anew: after a restore, and by
//! `check_invariants` to compare with what apply maintains step by step.

mod election;
mod history;
mod lock;
mod queue;
mod quota;
mod service;

use crate::state::{Due, Index, State};

impl Index {
    /// Everything the tables of `state` imply.
    pub(crate) fn rebuild(state: &State) -> Index {
        let mut index = Index::default();
        for (path, znode) in state.znodes.iter() {
            index.data_bytes += znode.data_length();
            if let Some(owner) = znode.owner() {
                index
                    .ephemerals
                    .entry(owner)
                    .or_default()
                    .insert(path.clone());
            }
            if let Some(entry) = znode.due(path) {
                index.due.insert(entry);
            }
        }
        for (key, answer) in state.answers.iter() {
            index.answers_by_age.insert(answer.moment.zxid, key.clone());
            index.answer_bytes += answer.bytes;
            index
                .due
                .insert((answer.forget_at, Due::ForgetAnswer(key.clone())));
        }
        for (upload, staging) in state.staging.iter() {
            index.due.insert(staging.due(*upload));
        }
        for (key, record) in state.signing_keys.iter() {
            index.due.extend(record.due(*key));
        }
        lock::rebuild(state, &mut index);
        election::rebuild(state, &mut index);
        history::rebuild(state, &mut index);
        queue::rebuild(state, &mut index);
        quota::rebuild(state, &mut index);
        service::rebuild(state, &mut index);
        index
    }
}
