//! Patterns of dates: ours are of `%Y`, `%m` and their like, and those of other tools are told as what they are here.

/// Notations of other tools and ours, longer ones first.
const NOTATIONS: [(&str, &str); 27] = [
    ("YYYY", "%Y"),
    ("yyyy", "%Y"),
    ("YY", "%y"),
    ("yy", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("dddd", "%A"),
    ("EEEE", "%A"),
    ("ddd", "%a"),
    ("EEE", "%a"),
    ("DD", "%d"),
    ("dd", "%d"),
    ("D", "%-d"),
    ("d", "%-d"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("mm", "%M"),
    ("ss", "%S"),
    ("A", "%p"),
    ("a", "%p"),
    ("XXX", "%:z"),
    ("'T'", "T"),
    ("T", "T"),
];

/// What is wrong with a pattern that would give the same text for every day.
pub(in crate::expr) fn mistake(pattern: &str) -> Option<&'static str> {
    (!pattern.contains('%')).then_some(
        "a pattern is of `%Y`, `%m`, `%d` and their like, and this one would give the same text for every day",
    )
}

/// A pattern of another tool as one of ours, where all of it is known.
pub(in crate::expr) fn translated(pattern: &str) -> Option<String> {
    let has_hours = pattern.contains(['H', 'h']);
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let known = NOTATIONS.iter().find(|(theirs, _)| rest.starts_with(theirs));
        match known {
            // Without hours beside them, these are months that somebody wrote small.
            Some(("mm", _)) if !has_hours => out.push_str("%m"),
            Some((_, ours)) => out.push_str(ours),
            None if first.is_alphabetic() => return None,
            None => out.push(first),
        }
        rest = &rest[known.map_or(first.len_utf8(), |(theirs, _)| theirs.len())..];
    }
    out.contains('%').then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_other_tools_are_known() {
        for (theirs, ours) in [
            ("YYYY-MM-DD", "%Y-%m-%d"),
            ("dd.MM.yyyy", "%d.%m.%Y"),
            ("yyyy-mm-dd", "%Y-%m-%d"),
            ("yyyy-MM-dd'T'HH:mm:ss", "%Y-%m-%dT%H:%M:%S"),
            ("D MMMM YYYY", "%-d %B %Y"),
            ("hh:mm a", "%I:%M %p"),
        ] {
            assert_eq!(translated(theirs).as_deref(), Some(ours), "{theirs}");
            assert!(mistake(theirs).is_some() && mistake(ours).is_none());
        }
        assert_eq!(translated("week"), None);
        assert_eq!(translated(""), None);
    }
}
