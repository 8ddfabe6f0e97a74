//! Counters: whole numbers in the data of znodes below `/counters`.
//!
//! The forms are those of ZooKeeper's recipes, so that a client of either kind sees and changes the
//! same counter: kazoo's `Counter` writes a decimal text, Curator's `DistributedAtomicLong` eight
//! bytes, the highest first. Whoever makes a counter decides its form; adding keeps it. Nobody's data
//! is a zero, and becomes a text.

use crate::data::Data;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// An optional sign and decimal digits.
    Text,
    /// Eight bytes, big endian, two's complement.
    Binary,
}

/// The number of a counter, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) form: Form,
    pub(crate) value: i64,
}

impl Number {
    /// What counts before anybody wrote anything.
    pub(crate) const ZERO: Number = Number {
        form: Form::Text,
        value: 0,
    };

    /// The number that stands in `data`; `None` when there is none. What can be read as a text is one,
    /// also when it has eight bytes.
    pub(crate) fn read(data: &[u8]) -> Option<Number> {
        if data.is_empty() {
            return Some(Number::ZERO);
        }
        let text = std::str::from_utf8(data).ok();
        if let Some(value) = text.and_then(|text| text.parse().ok()) {
            let form = Form::Text;
            return Some(Number { form, value });
        }
        let bytes = <[u8; 8]>::try_from(data).ok()?;
        Some(Number {
            form: Form::Binary,
            value: i64::from_be_bytes(bytes),
        })
    }

    /// This number and `delta`, in the same form. `None` when the sum is out of range.
    pub(crate) fn plus(self, delta: i64) -> Option<Number> {
        let value = self.value.checked_add(delta)?;
        Some(Number { value, ..self })
    }

    /// The data it is stored as. `None` when the data would be read as another number: eight bytes that
    /// are all digits, from 3.1e18 on, look like a text.
    pub(crate) fn written(self) -> Option<Data> {
        let bytes = match self.form {
            Form::Text => self.value.to_string().into_bytes(),
            Form::Binary => self.value.to_be_bytes().to_vec(),
        };
        let is_read_back = Number::read(&bytes) == Some(self);
        is_read_back.then(|| Data::from(bytes.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Number};

    fn read(data: &[u8]) -> Option<(Form, i64)> {
        Number::read(data).map(|number| (number.form, number.value))
    }

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        for (text, value) in [
            ("0", 0),
            ("-7", -7),
            ("+42", 42),
            ("007", 7),
            ("12345678", 12_345_678),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(read(text.as_bytes()), Some((Form::Text, value)), "{text}");
        }
        for value in [0, 1, -1, 256, i64::MAX, i64::MIN] {
            assert_eq!(read(&value.to_be_bytes()), Some((Form::Binary, value)));
        }
        assert_eq!(read(b""), Some((Form::Text, 0)));
        for bad in [
            "1.5",
            "1e3",
            " 1",
            "1\n",
            "0x10",
            "+",
            "-",
            "--1",
            "one",
            "1_000",
            "9223372036854775808",
            "\0\0\0\u{5}",
        ] {
            assert_eq!(read(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn a_number_that_would_be_read_as_another_is_not_written() {
        let digits = i64::from_be_bytes(*b"12345678");
        let binary = |value| Number {
            form: Form::Binary,
            value,
        };
        assert_eq!(binary(digits).written(), None);
        let written = binary(digits + 10).written().unwrap();
        assert_eq!(
            &written[..],
            b"12345678".map(|b| if b == b'8' { b'B' } else { b })
        );
    }
}
