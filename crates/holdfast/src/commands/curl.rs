//! `--show-curl`: requests as users would type them.

use holdfast_client::Outgoing;

use crate::output;

/// Longest body that is shown.
const BODY_MAX: usize = 4096;

/// Prints a request to standard error.
pub(super) fn print(request: &Outgoing<'_>) {
    output::to_stderr(&format!("{}\n", command(request)));
}

fn command(request: &Outgoing<'_>) -> String {
    let mut out = "curl".to_owned();
    if request.method != "GET" {
        out.push_str(&format!(" -X {}", request.method));
    }
    out.push_str(&format!(" {}", output::quote(request.url)));
    for (name, value) in request.headers {
        out.push_str(&format!(
            " -H {}",
            output::quote(&format!("{name}: {value}"))
        ));
    }
    match request.body {
        None => {}
        Some(body) => match std::str::from_utf8(body) {
            Ok(text) if body.len() <= BODY_MAX => {
                out.push_str(&format!(" --data-binary {}", output::quote(text)));
            }
            Ok(_) | Err(_) => {
                out.push_str(&format!(" --data-binary @FILE  # {} bytes", body.len()));
            }
        },
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_can_be_pasted_into_a_shell() {
        let request = Outgoing {
            method: "PUT",
            url: "http://h:1/v1/nodes/a?parents=1",
            headers: &[("if-match", "\"v7\"".to_owned())],
            body: Some(b"it's"),
        };
        assert_eq!(
            command(&request),
            r#"curl -X PUT 'http://h:1/v1/nodes/a?parents=1' -H 'if-match: "v7"' --data-binary 'it'\''s'"#
        );
        let binary = Outgoing {
            body: Some(&[255]),
            method: "GET",
            headers: &[],
            ..request
        };
        assert!(
            command(&binary).ends_with("@FILE  # 1 bytes"),
            "{}",
            command(&binary)
        );
    }
}
