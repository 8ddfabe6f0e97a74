//! Jute, ZooKeeper's encoding: big-endian integers, and texts and vectors behind their length.

/// Writes a record.
#[derive(Clone, Debug, Default)]
pub(super) struct Record(pub(super) Vec<u8>);

impl Record {
    pub(super) fn int(mut self, value: i32) -> Record {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn long(mut self, value: i64) -> Record {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn bool(mut self, value: bool) -> Record {
        self.0.push(u8::from(value));
        self
    }

    pub(super) fn bytes(mut self, value: &[u8]) -> Record {
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self = self.int(length);
        self.0.extend_from_slice(value);
        self
    }

    pub(super) fn text(self, value: &str) -> Record {
        self.bytes(value.as_bytes())
    }

    pub(super) fn texts<'a>(self, values: impl ExactSizeIterator<Item = &'a String>) -> Record {
        let record = self.int(i32::try_from(values.len()).unwrap_or(i32::MAX));
        values.fold(record, |record, value| record.text(value))
    }
}

/// Reads a record; `None` where it ends too early or makes no sense.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn int(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn long(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    /// Bytes; none where the length is negative.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.int()?;
        self.take(usize::try_from(length).unwrap_or(0))
    }

    pub(super) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    pub(super) fn texts(&mut self) -> Option<Vec<String>> {
        let count = self.int()?.max(0);
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.text()?);
        }
        Some(texts)
    }

    pub(super) fn stat(&mut self) -> Option<super::Stat> {
        let (czxid, mzxid) = (self.long()?, self.long()?);
        let (_ctime, _mtime) = (self.long()?, self.long()?);
        let version = self.int()?;
        let (_cversion, _aversion) = (self.int()?, self.int()?);
        let owner = self.long()?;
        let (_length, _children, _pzxid) = (self.int()?, self.int()?, self.long()?);
        Some(super::Stat {
            czxid,
            mzxid,
            version,
            owner,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_short_record_is_none() {
        let names = ["b".to_owned(), "cc".to_owned()];
        let record = Record::default()
            .int(-2)
            .long(1 << 40)
            .text("/a")
            .bool(true)
            .texts(names.iter());
        let mut reader = Reader(&record.0);
        assert_eq!((reader.int(), reader.long()), (Some(-2), Some(1 << 40)));
        assert_eq!(reader.text().as_deref(), Some("/a"));
        assert_eq!(reader.take(1), Some(&[1_u8][..]));
        assert_eq!(reader.texts().as_deref(), Some(&names[..]));
        assert_eq!(reader.int(), None);
        for length in 0..record.0.len() {
            let mut short = Reader(&record.0[..length]);
            let read = (|| {
                short.int()?;
                short.long()?;
                short.text()?;
                short.take(1)?;
                short.texts()
            })();
            assert_eq!(read, None, "of {length} bytes");
        }
        assert_eq!(Reader(&[0xff; 4]).bytes(), Some(&[][..]));
        assert_eq!(Reader(&[0x7f, 0xff, 0xff, 0xff, 1]).bytes(), None);
    }
}
