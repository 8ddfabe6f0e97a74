//! The flat objects of the wire, and their way to and from the enums.

mod guard;
mod op;

use std::fmt;

use crate::v1::Encoding;

pub use guard::GuardForm;
pub use op::OpForm;

/// The keys of a guard or step do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidForm(String);

impl fmt::Display for InvalidForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidForm {}

fn written(encoding: Encoding) -> Option<Encoding> {
    (encoding != Encoding::default()).then_some(encoding)
}

#[cfg(test)]
mod tests {
    use crate::v1::txn::{Guard, TxnOp, TxnRequest};

    /// The transaction of the specification, byte for byte what comes out again.
    const EXAMPLE: &str = concat!(
        r#"{"if":[{"node":"/app/cfg","version":7},{"claim":"orders/42","fence":18231},"#,
        r#"{"node":"/app/lockdown","exists":false}],"#,
        r#""then":[{"set":"/app/cfg","value":"new","content_type":"text/plain"},"#,
        r#"{"create":"/audit/e-","value":"changed cfg","sequential":true},"#,
        r#"{"release":"orders/42","claim":"c1"}],"else":[{"get":"/app/cfg"}]}"#
    );

    #[test]
    fn the_example_survives_the_way() {
        let txn: TxnRequest = serde_json::from_str(EXAMPLE).unwrap();
        assert_eq!(serde_json::to_string(&txn).unwrap(), EXAMPLE);
    }

    #[test]
    fn keys_that_do_not_go_together_are_named() {
        for (op, message) in [
            (r#"{"get":"/a","value":"x"}"#, "value does not go with get"),
            (r#"{"get":"/a","set":"/a"}"#, "exactly one of"),
            (r#"{"value":"x"}"#, "exactly one of"),
            (r#"{"release":"a"}"#, "needs the claim"),
            (r#"{"set":"/a","encoding":"base64"}"#, "go with value"),
            (r#"{"sett":"/a"}"#, "unknown field `sett`"),
        ] {
            let error = serde_json::from_str::<TxnOp>(op).unwrap_err().to_string();
            assert!(error.contains(message), "{op}: {error}");
        }
        for guard in [
            r#"{"node":"/a"}"#,
            r#"{"node":"/a","version":1,"exists":true}"#,
            "{}",
        ] {
            let error = serde_json::from_str::<Guard>(guard)
                .unwrap_err()
                .to_string();
            assert!(error.contains("a guard is"), "{guard}: {error}");
        }
    }
}
