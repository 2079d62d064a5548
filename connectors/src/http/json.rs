//! JSON as services send it, as far as we can carry it.

use serde_json::Value as Json;

/// What is nested deeper than this is no record: it could be read, and then neither be stored nor be shown.
const DEEPEST: usize = 64;

/// The JSON in these bytes. `None` where it is none: broken, nested without end, with a number beyond all numbers or
/// with half a character. Of two values of one key, the later one counts.
pub fn read_json(bytes: &[u8]) -> Option<Json> {
    let json = serde_json::from_slice(bytes).ok()?;
    is_shallow(&json, DEEPEST).then_some(json)
}

/// Whether no more than so many lists and maps stand in each other.
fn is_shallow(json: &Json, levels: usize) -> bool {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => true,
        Json::Array(items) => levels > 0 && items.iter().all(|item| is_shallow(item, levels - 1)),
        Json::Object(map) => levels > 0 && map.values().all(|value| is_shallow(value, levels - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize, open: &str, close: &str) -> String {
        format!("{}1{}", open.repeat(levels), close.repeat(levels))
    }

    #[test]
    fn what_we_could_not_carry_is_not_json() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            assert!(read_json(nested(DEEPEST, open, close).as_bytes()).is_some());
            for levels in [DEEPEST + 1, 127, 200, 100_000] {
                assert_eq!(read_json(nested(levels, open, close).as_bytes()), None, "{levels} levels of {open}");
            }
        }
        assert_eq!(read_json("[".repeat(1_000_000).as_bytes()), None);
        for odd in ["1e400", "-1e400", "NaN", "Infinity", r#""\ud800""#, r#""\udc00\ud800""#, "{}x", "\"\u{1}\"", ""] {
            assert_eq!(read_json(odd.as_bytes()), None, "{odd}");
        }
        assert_eq!(read_json(b"\"\xff\""), None, "not UTF-8");
    }

    #[test]
    fn large_numbers_keep_what_numbers_can_keep() {
        let read = |text: &str| read_json(text.as_bytes()).expect(text).to_string();
        assert_eq!(read("9223372036854775807"), "9223372036854775807");
        assert_eq!(read("18446744073709551615"), "18446744073709551615");
        assert_eq!(read("123456789012345678901234567890"), "1.2345678901234568e+29");
        assert_eq!(read(r#"{"a":1,"a":2}"#), r#"{"a":2}"#);
        assert_eq!(read(r#""\ud83d\ude00""#), "\"😀\"");
    }
}
