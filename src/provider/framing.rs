//! Events cut out of the bytes of a stream, however these were cut on their way.

use super::error::ProviderError;

/// How a stream is divided into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-Sent Events, as the HTML standard of WHATWG has them (section 9.2).
    ServerSentEvents,
    /// A JSON text on each line.
    JsonLines,
}

/// One event. What is on a line of JSON is an event without a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its type; empty when there is none.
    pub name: String,
    /// What it says.
    pub data: String,
}

/// Takes bytes and gives events.
#[derive(Debug)]
pub struct Framer {
    framing: Framing,
    longest: usize,
    line: Vec<u8>,
    event: Event,
    /// The last byte was a CR, so that a LF belongs to it.
    after_return: bool,
    /// No line has ended yet.
    at_start: bool,
}

impl Framer {
    /// For a stream whose events are at most `longest` bytes each.
    pub fn new(framing: Framing, longest: usize) -> Self {
        Self {
            framing,
            longest,
            line: Vec::new(),
            event: Event::default(),
            after_return: false,
            at_start: true,
        }
    }

    /// The events that end in these bytes.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Event>, ProviderError> {
        let mut events = Vec::new();
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.extend_line(part)?;
            if let Some(end) = rest.first() {
                self.after_return = *end == b'\r';
                events.extend(self.end_line()?);
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        Ok(events)
    }

    /// The event that the stream ended in the middle of. The standard drops it; some servers leave
    /// out the last line end, and what was really cut off is no JSON text, so it is handed on.
    pub fn finish(mut self) -> Result<Option<Event>, ProviderError> {
        if self.line.is_empty() && self.event.data.is_empty() {
            return Ok(None);
        }
        let last = self.end_line()?;
        Ok(last.or_else(|| self.take_event()))
    }

    fn extend_line(&mut self, part: &[u8]) -> Result<(), ProviderError> {
        if self.line.len() + self.event.data.len() + part.len() > self.longest {
            let longest = self.longest;
            return Err(ProviderError::protocol(format!(
                "an event of more than {longest} bytes"
            )));
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self) -> Result<Option<Event>, ProviderError> {
        let line = std::mem::take(&mut self.line);
        let text = match std::mem::take(&mut self.at_start) {
            true => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line),
            false => &line,
        };
        let text = str::from_utf8(text)
            .map_err(|_| ProviderError::protocol("an event that is not UTF-8"))?;
        Ok(match self.framing {
            Framing::ServerSentEvents => self.field(text),
            Framing::JsonLines => json_line(text),
        })
    }

    /// Reads one line of an event. What ends is the event before an empty line.
    fn field(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.take_event();
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                self.event.data.push_str(value);
                self.event.data.push('\n');
            }
            // Comments, which have no name, and fields that concern reconnecting.
            _ => {}
        }
        None
    }

    fn take_event(&mut self) -> Option<Event> {
        let mut event = std::mem::take(&mut self.event);
        // Without data there is no event, whatever its name.
        event.data.pop().map(|_| event)
    }
}

fn json_line(line: &str) -> Option<Event> {
    let data = line.trim_ascii();
    (!data.is_empty()).then(|| Event {
        name: String::new(),
        data: data.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(framing: Framing, parts: &[&[u8]]) -> Result<Vec<Event>, ProviderError> {
        let mut framer = Framer::new(framing, 1024);
        let mut events = Vec::new();
        for part in parts {
            events.extend(framer.push(part)?);
        }
        events.extend(framer.finish()?);
        Ok(events)
    }

    fn sse(text: &str) -> Vec<(String, String)> {
        let events = all(Framing::ServerSentEvents, &[text.as_bytes()]).unwrap();
        let pairs = events.into_iter().map(|event| (event.name, event.data));
        pairs.collect()
    }

    fn pair(name: &str, data: &str) -> (String, String) {
        (name.to_owned(), data.to_owned())
    }

    #[test]
    fn events_are_what_the_standard_says() {
        assert_eq!(
            sse("data: a\n\ndata: b\n\n"),
            [pair("", "a"), pair("", "b")]
        );
        assert_eq!(
            sse("event: x\rdata:a\r\rdata:b\r\n\r\n"),
            [pair("x", "a"), pair("", "b")]
        );
        assert_eq!(sse("\u{feff}data: a\n\n"), [pair("", "a")]);
        assert_eq!(sse("data: a\ndata:  b\ndata\n\n"), [pair("", "a\n b\n")]);
        assert_eq!(sse(": ping\n\nevent: nothing\n\nid: 1\nretry: 2\n\n"), []);
        assert_eq!(sse("data: \u{feff}\n\n"), [pair("", "\u{feff}")]);
        assert_eq!(sse("data\n\n"), [pair("", "")]);
    }

    #[test]
    fn an_event_without_an_end_is_handed_on() {
        assert_eq!(sse("data: a\n\ndata: b"), [pair("", "a"), pair("", "b")]);
        assert_eq!(sse("event: x\ndata: b\n"), [pair("x", "b")]);
    }

    #[test]
    fn a_line_of_json_is_an_event() {
        let events = all(
            Framing::JsonLines,
            &[b"{\"a\":1}\r\n\n  \n{\"b\":\"\xc3\xa4\"}"],
        )
        .unwrap();
        let data: Vec<&str> = events.iter().map(|event| event.data.as_str()).collect();
        assert_eq!(data, ["{\"a\":1}", "{\"b\":\"ä\"}"]);
    }

    #[test]
    fn what_is_too_long_or_no_text_is_refused() {
        for framing in [Framing::ServerSentEvents, Framing::JsonLines] {
            assert!(all(framing, &[&[b'x'; 1025]]).is_err());
            assert!(all(framing, &[b"data: \xff\n\n"]).is_err());
        }
        let lines = "data: 0123456789\n".repeat(100);
        assert!(all(Framing::ServerSentEvents, &[lines.as_bytes()]).is_err());
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_does_not_matter(
            text in "(data|event|id|:|\r|\n|\r\n|\u{feff}| |ä|x|\\{|\\}){0,60}",
            cuts in proptest::collection::vec(0usize..200, 0..8),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|two| &bytes[two[0]..two[1]]).collect();
            for framing in [Framing::ServerSentEvents, Framing::JsonLines] {
                prop_assert_eq!(all(framing, &parts), all(framing, &[bytes]));
            }
        }
    }
}
