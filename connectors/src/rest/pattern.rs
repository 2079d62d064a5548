//! Patterns over what a service says in words only: `*held by {id}.*`.
//!
//! `*` stands for anything, `{field}` for a name, `{id}` for a record's id; everything else for itself. A pattern
//! covers the text from its beginning; what follows its end does not matter.

use sdk::RecordId;

/// One pattern, as the parts between its stars.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    segments: Vec<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(String),
    Field,
    Id,
}

/// What a pattern found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) field: Option<String>,
    pub(super) id: Option<RecordId>,
}

/// So much of a text is looked at; refusals are a sentence or two.
const LONGEST: usize = 2000;

impl Pattern {
    pub(super) fn parse(text: &str) -> Self {
        Self { segments: text.split('*').map(parts).collect() }
    }

    /// Whether it asks for a record's id.
    pub(super) fn finds_id(&self) -> bool {
        self.segments.iter().flatten().any(|part| *part == Part::Id)
    }

    /// Whether it asks for a field's name.
    pub(super) fn finds_field(&self) -> bool {
        self.segments.iter().flatten().any(|part| *part == Part::Field)
    }

    /// What it finds in the text. Each part is looked for behind the one before, at the first place where it fits.
    pub(super) fn find(&self, text: &str) -> Option<Found> {
        let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
        let mut rest = &text[..end];
        let mut found = Found::default();
        for (index, segment) in self.segments.iter().enumerate() {
            let starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            let mut starts = starts.take(if index == 0 { 1 } else { usize::MAX });
            rest = starts.find_map(|start| matched(segment, &rest[start..], &mut found))?;
        }
        Some(found)
    }
}

/// What is left of a text that begins with these parts.
fn matched<'a>(parts: &[Part], text: &'a str, found: &mut Found) -> Option<&'a str> {
    let mut rest = text;
    let mut here = found.clone();
    for part in parts {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let length = match part {
            Part::Literal(literal) if rest.starts_with(literal.as_str()) => literal.len(),
            Part::Literal(_) => return None,
            Part::Field | Part::Id => rest.bytes().take_while(|byte| is_name(*byte)).count(),
        };
        let (taken, behind) = rest.split_at(length);
        match part {
            Part::Literal(_) => {}
            Part::Field | Part::Id if taken.is_empty() => return None,
            Part::Field => here.field = Some(taken.to_owned()),
            Part::Id => here.id = Some(RecordId::from(taken)),
        }
        rest = behind;
    }
    *found = here;
    Some(rest)
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let next = [("{field}", Part::Field), ("{id}", Part::Id)]
            .into_iter()
            .filter_map(|(mark, part)| rest.find(mark).map(|at| (at, mark, part)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, mark, part)) = next else { break };
        if at > 0 {
            parts.push(Part::Literal(rest[..at].to_owned()));
        }
        parts.push(part);
        rest = &rest[at + mark.len()..];
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Option<(Option<String>, Option<String>)> {
        Pattern::parse(pattern).find(text).map(|found| (found.field, found.id.map(|id| id.to_string())))
    }

    #[test]
    fn names_and_ids_are_found_between_what_is_said() {
        let held = "*{of {field}=*} on *. {id} already*";
        let field = |field: &str, id: &str| Some((Some(field.to_owned()), Some(id.to_owned())));
        assert_eq!(found(held, "Cannot {of email=a. 5 b} on 11. 12 already so"), field("email", "12"));
        assert_eq!(found(held, "Cannot {of =a} on 11. 12 already"), None);
        assert_eq!(found(held, "Cannot {of email=a} on 11. ١٢ already"), None);
        assert_eq!(found("Taken by {id}", "Taken by 512."), Some((None, Some("512".to_owned()))));
        assert_eq!(found("Taken by {id}", "It is Taken by 512"), None, "from the beginning");
        assert_eq!(found("Taken by {id}", "Taken by "), None);
        assert_eq!(found("é*ü {id}", "éöü 7"), Some((None, Some("7".to_owned()))));
    }

    #[test]
    fn a_long_text_takes_no_long_time() {
        let pattern = Pattern::parse("*{field}x*{field}y*{id}!");
        assert_eq!(pattern.find(&"a".repeat(1_000_000)), None);
    }
}
