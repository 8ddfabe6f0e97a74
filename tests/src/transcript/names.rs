//! Names for what differs from run to run: zxids, sessions, passwords, times.

use std::collections::BTreeMap;

/// Stands before the distance of a zxid from the base, in the bytes that are compared.
const ZXID_MARK: i64 = 0x5a58_0000_0000_0000;
/// The same for times: that of the transaction with this zxid.
const TIME_MARK: i64 = 0x5449_0000_0000_0000;
/// A time that the same transaction did not have before.
const TIME_WRONG: i64 = TIME_MARK | 0xffff_ffff;
/// Stands before the number of a session.
const SESSION_MARK: i64 = 0x5345_0000_0000_0000;
/// A session nobody has opened.
const SESSION_UNKNOWN: i64 = SESSION_MARK | 0xffff_ffff;
/// A zxid further away is not one that was given out, but a number of the script.
const FAR: i64 = 1 << 40;
/// Bytes of a password.
pub(super) const PASSWORD_BYTES: usize = 16;

/// Gives out the names. A zxid is called by its distance from where the script began, a session by its
/// place in the order of opening, a time by the transaction it belongs to.
#[derive(Debug, Default)]
pub struct Names {
    base: i64,
    /// Zxids that only this server takes, in order.
    extra: Vec<i64>,
    /// From which zxid on how many more were taken than should have been, in order.
    corrections: Vec<(i64, i64)>,
    sessions: Vec<i64>,
    passwords: BTreeMap<i64, [u8; PASSWORD_BYTES]>,
    times: BTreeMap<i64, i64>,
}

/// What to write instead, and what to call it.
pub(super) type Name = (i64, String);

impl Names {
    /// A script begins at this zxid.
    pub(super) fn begin(&mut self, base: i64) {
        self.base = base;
        self.corrections.clear();
        self.sessions.clear();
    }

    /// These zxids do not count.
    pub(super) fn skip(&mut self, from: i64, to: i64) {
        self.extra.extend(from..=to);
    }

    fn place(&self, zxid: i64) -> i64 {
        let before = self.extra.partition_point(|extra| *extra <= zxid);
        zxid - i64::try_from(before).unwrap_or(i64::MAX)
    }

    /// So many zxids were taken by mistake up to this one; go on as if they had not been.
    pub(super) fn correct(&mut self, zxid: i64, by: i64) {
        if by != 0 {
            self.corrections.push((zxid, by));
        }
    }

    /// How far a zxid is from the base.
    pub(super) fn distance(&self, zxid: i64) -> i64 {
        let corrections = self.corrections.iter().filter(|(from, _)| *from <= zxid);
        let mistaken: i64 = corrections.map(|(_, by)| by).sum();
        self.place(zxid) - self.place(self.base) - mistaken
    }

    /// The zxid so far from the base, as this server counts.
    pub(super) fn at(&self, distance: i64) -> i64 {
        let missing: i64 = self.corrections.iter().map(|(_, by)| (*by).min(0)).sum();
        let mut zxid = self.base + distance + missing;
        while self.distance(zxid) < distance {
            zxid += 1;
        }
        zxid
    }

    pub(super) fn zxid(&self, zxid: i64) -> Name {
        let as_it_is = (zxid, zxid.to_string());
        if zxid <= 0 {
            return as_it_is;
        }
        let distance = self.distance(zxid);
        if distance > FAR {
            return as_it_is;
        }
        (ZXID_MARK.wrapping_add(distance), format!("{distance:+}"))
    }

    /// The time of the transaction `zxid`.
    pub(super) fn time(&mut self, time: i64, zxid: i64) -> Name {
        if time == 0 {
            return (0, "0".to_owned());
        }
        let known = *self.times.entry(zxid).or_insert(time);
        // Their order is not looked at: ZooKeeper takes the clock of its machine, and that may step.
        if known != time {
            return (TIME_WRONG, "wrong".to_owned());
        }
        let distance = self.distance(zxid);
        (TIME_MARK.wrapping_add(distance), format!("@{distance:+}"))
    }

    /// Knows a session from now on.
    pub(super) fn opened(&mut self, session: i64, password: [u8; PASSWORD_BYTES]) {
        if session != 0 && !self.sessions.contains(&session) {
            self.sessions.push(session);
            self.passwords.insert(session, password);
        }
    }

    pub(super) fn session(&self, session: i64) -> Name {
        if matches!(session, 0 | -1) {
            return (session, session.to_string());
        }
        match self.sessions.iter().position(|known| *known == session) {
            Some(at) => {
                let number = i64::try_from(at + 1).unwrap_or(i64::MAX);
                (SESSION_MARK | number, format!("#{number}"))
            }
            None => (SESSION_UNKNOWN, "unknown".to_owned()),
        }
    }

    pub(super) fn password(&self, password: &[u8], session: i64) -> (Vec<u8>, &'static str) {
        let own = self.passwords.get(&session);
        if own.is_some_and(|own| own.as_slice() == password) {
            return (vec![b'P'; password.len()], "own");
        }
        if password.iter().all(|byte| *byte == 0) {
            return (password.to_vec(), "zeros");
        }
        (vec![b'X'; password.len()], "wrong")
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    fn names() -> Names {
        let mut names = Names::default();
        names.begin(100);
        names
    }

    #[test]
    fn what_is_skipped_is_not_counted() {
        let mut names = names();
        names.skip(99, 100);
        names.skip(103, 103);
        let distances = [101, 102, 103, 104].map(|zxid| names.distance(zxid));
        assert_eq!(distances, [1, 2, 2, 3]);
        assert_eq!(
            [1, 2, 3].map(|distance| names.at(distance)),
            [101, 102, 104]
        );
    }

    /// Also where the script begins behind a zxid that does not count.
    #[test]
    fn a_mistake_counts_from_where_it_was_made() {
        for by in [-1, 2] {
            let mut names = names();
            names.skip(99, 100);
            names.correct(105, by);
            assert_eq!(names.distance(104), 4);
            assert_eq!(names.distance(105), 5 - by);
            assert_eq!(names.distance(106), 6 - by);
            assert_eq!(names.at(3), 103);
            assert_eq!(names.at(9), 109 + by);
        }
    }

    #[test]
    fn numbers_of_the_script_stay_what_they_are() {
        for number in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(names().zxid(number), (number, number.to_string()));
        }
    }
}
