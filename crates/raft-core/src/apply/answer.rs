//! Remembered answers to idempotency keys: bounded by count, bytes and time, oldest dropped first.

use mutant::Mutant;

use crate::command::{IdempotencyKey, Moment};
use crate::limits;
use crate::outcome::{Outcome, Refusal, Reply};
use crate::state::{Answer, Due, State, StoredResult};

impl State {
    /// The outcome of a request whose key is remembered: its first answer, or the refusal to reuse
    /// the key for something else.
    pub(super) fn recall(&self, now: Moment, key: &IdempotencyKey) -> Option<Outcome> {
        let remembered = self.answers.get(&key.key);
        let answer = remembered.filter(|_| !mutant::is(Mutant::RetryAppliedTwice))?;
        let events = Vec::new();
        if answer.fingerprint != key.fingerprint {
            let refusal = Refusal::IdempotencyMismatch {
                zxid: answer.moment.zxid,
            };
            return Some(Outcome {
                moment: now,
                result: Err(refusal),
                replayed: false,
                events,
                over_quota: Vec::new(),
            });
        }
        let result = answer.result.clone().into_result();
        Some(Outcome {
            moment: answer.moment,
            result,
            replayed: true,
            events,
            over_quota: Vec::new(),
        })
    }

    /// Keeps an answer. A key over its limit was refused for that and cannot be remembered; that there was no item
    /// to take is not, so that whoever waits for one can ask again under the same key.
    pub(super) fn remember(
        &mut self,
        now: Moment,
        key: &IdempotencyKey,
        result: &Result<Reply, Refusal>,
    ) {
        if key.key.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX || took_nothing(result) {
            return;
        }
        let result = StoredResult::of(result);
        let bytes = result.encoded_bytes().saturating_add(key.key.len() as u64);
        let forget_at = now.log_time.after(limits::IDEMPOTENCY_MS);
        let answer = Answer {
            fingerprint: key.fingerprint,
            moment: now,
            result,
            forget_at,
            bytes,
        };
        self.answers.insert(key.key.clone(), answer);
        self.index.answers_by_age.insert(now.zxid, key.key.clone());
        self.index.answer_bytes = self.index.answer_bytes.saturating_add(bytes);
        self.index
            .due
            .insert((forget_at, Due::ForgetAnswer(key.key.clone())));
        self.drop_excess_answers();
    }

    fn drop_excess_answers(&mut self) {
        while self.answers.len() > limits::IDEMPOTENCY_ENTRIES_MAX
            || self.index.answer_bytes > limits::IDEMPOTENCY_BYTES_MAX
        {
            let Some((_, oldest)) = self.index.answers_by_age.get_min() else {
                return;
            };
            let oldest = oldest.clone();
            self.forget_answer(&oldest);
        }
    }

    /// Drops a remembered answer with everything derived from it; nothing when there is none.
    pub(crate) fn forget_answer(&mut self, key: &String) {
        if let Some(answer) = self.answers.remove(key) {
            self.index.answers_by_age.remove(&answer.moment.zxid);
            self.index.answer_bytes = self.index.answer_bytes.saturating_sub(answer.bytes);
            self.index
                .due
                .remove(&(answer.forget_at, Due::ForgetAnswer(key.clone())));
        }
    }
}

fn took_nothing(result: &Result<Reply, Refusal>) -> bool {
    matches!(result, Ok(Reply::ItemsTaken { items, .. }) if items.is_empty())
}
