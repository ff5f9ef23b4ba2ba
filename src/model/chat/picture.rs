//! A picture from its file.

use super::message::Image;

/// The digits of base64, as RFC 4648 has them.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes that are no picture which models take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a picture in PNG, JPEG, GIF or WebP")]
pub struct NoPicture;

impl Image {
    /// Of a file's bytes. What kind it is, they say themselves.
    ///
    /// # Errors
    /// When they are neither PNG, JPEG, GIF nor WebP.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, NoPicture> {
        let media_type = match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => "image/webp",
            _ => return Err(NoPicture),
        };
        Ok(Self {
            media_type: media_type.to_owned(),
            data: base64(bytes),
        })
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            text.push(match digit <= three.len() {
                true => char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]),
                false => '=',
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let known = [
            "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
        ];
        for (length, text) in known.into_iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..length]), text);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn a_picture_is_known_by_its_bytes() {
        let kind = |bytes: &[u8]| Image::of_bytes(bytes).map(|image| image.media_type);
        assert_eq!(kind(b"\x89PNG\r\n\x1a\nmore").unwrap(), "image/png");
        assert_eq!(kind(b"\xff\xd8\xff\xe0").unwrap(), "image/jpeg");
        assert_eq!(kind(b"GIF89a").unwrap(), "image/gif");
        assert_eq!(kind(b"RIFF1234WEBPVP8 ").unwrap(), "image/webp");
        assert_eq!(kind(b"RIFF1234WAVE"), Err(NoPicture));
        assert_eq!(kind(b"<svg>"), Err(NoPicture));
    }
}
