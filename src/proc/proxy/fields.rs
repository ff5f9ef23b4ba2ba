//! The fields of a header section.

use super::request::RequestFlaw;

/// Fields that are meant for the next hop, or that are written anew here.
const NOT_PASSED_ON: [&str; 12] = [
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// One field as it was written, without the space around its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'h> {
    pub name: &'h str,
    pub value: &'h [u8],
}

impl<'h> Field<'h> {
    /// Reads one line. Space before the name (which continues the line before) and before the
    /// colon is refused, because readers disagree on what it means.
    pub fn read(line: &'h [u8]) -> Result<Self, RequestFlaw> {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.ok_or(RequestFlaw::Field)?);
        let name = token(name).ok_or(RequestFlaw::Field)?;
        let value = value[1..].trim_ascii();
        Ok(Self { name, value })
    }

    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Its value as text. What is not ASCII belongs into no field that is looked into here.
    pub fn text(&self) -> Result<&'h str, RequestFlaw> {
        let text = str::from_utf8(self.value).ok();
        text.filter(|text| text.is_ascii())
            .ok_or(RequestFlaw::Field)
    }

    /// Whether it is for the next hop: by its name, or because `Connection` names it.
    pub fn is_passed_on(&self, named: &[String]) -> bool {
        let among = |name: &str| self.is(name);
        !NOT_PASSED_ON.iter().any(|name| among(name)) && !named.iter().any(|name| among(name))
    }
}

/// The names that the `Connection` fields list.
pub(super) fn named_by_connection<'h>(fields: impl Iterator<Item = &'h Field<'h>>) -> Vec<String> {
    fields
        .filter(|field| field.is("connection"))
        .flat_map(|field| field.value.split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned())
        .collect()
}

/// A method or the name of a field.
pub(super) fn token(bytes: &[u8]) -> Option<&str> {
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let sound = !bytes.is_empty() && bytes.iter().all(known);
    str::from_utf8(bytes).ok().filter(|_| sound)
}
