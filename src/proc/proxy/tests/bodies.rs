//! Bodies: what belongs to a request, and not a byte of what follows it.

use proptest::prelude::*;

use super::super::body::pass_on;
use super::super::request::Body;

/// What is passed on, and whether the body was whole.
fn passed(body: Body, bytes: &[u8]) -> (String, bool) {
    let mut out = Vec::new();
    let whole = pass_on(body, &mut &bytes[..], &mut out).is_ok();
    (String::from_utf8(out).unwrap(), whole)
}

#[test]
fn a_body_of_known_length_ends_there() {
    let next = b"abcGET http://b.io/ HTTP/1.1\r\n\r\n";
    assert_eq!(passed(Body::Length(3), next), ("abc".to_owned(), true));
    assert_eq!(passed(Body::Length(0), next), (String::new(), true));
    assert_eq!(passed(Body::Length(5), b"abc"), ("abc".to_owned(), false));
    assert_eq!(passed(Body::Nothing, next), (String::new(), true));
}

#[test]
fn chunks_are_written_anew() {
    for (bytes, expected) in [
        ("0\r\n\r\nGET", "0\r\n\r\n"),
        ("003\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n"),
        (
            "A;x=\"y\"\r\n0123456789\r\n00\r\nT: 1\r\nU: 2\r\n\r\n",
            "a\r\n0123456789\r\n0\r\n\r\n",
        ),
    ] {
        let found = passed(Body::Chunked, bytes.as_bytes());
        assert_eq!(found, (expected.to_owned(), true), "{bytes:?}");
    }
}

#[test]
fn malformed_chunks_end_the_request() {
    let endless = format!("0\r\n{}", "T: 1\r\n".repeat(4000));
    for bytes in [
        "",
        "3",
        "\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nab",
        "+3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "-1\r\n",
        ";x\r\n\r\n",
        "10000000000000000\r\nabc",
        "3;a\rb\r\nabc\r\n0\r\n\r\n",
        "0\r\n",
        "0\r\nT: 1\n\r\n",
        &endless,
    ] {
        let (out, whole) = passed(Body::Chunked, bytes.as_bytes());
        assert!(
            !whole && !out.ends_with("0\r\n\r\n"),
            "{bytes:?} gave {out:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_chunks_or_an_error(bytes in "[0-9a-f;\r\n]{0,60}") {
        let (out, whole) = passed(Body::Chunked, bytes.as_bytes());
        prop_assert_eq!(whole, out.ends_with("0\r\n\r\n"));
        if whole {
            prop_assert_eq!(passed(Body::Chunked, out.as_bytes()), (out, true));
        }
    }
}
