//! Sentences on a terminal, broken between words: what goes on stands under where its text began.
//!
//! A terminal breaks lines wherever they reach its edge. What is shown of a file, and what is drawn, stays as it is.

/// Below this much room, text goes on further to the left than where it began.
const NARROWEST: usize = 20;

/// Where the text of a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beginning {
    /// The column in which the text goes on.
    column: usize,
    /// The column of the rule to its left, where there is one, as beside a line of a file.
    rule: Option<usize>,
}

/// Text of which each line is broken where it is wider than this.
pub fn folded(text: &str, width: usize) -> String {
    text.split_inclusive('\n').map(|line| folded_line(line, width)).collect()
}

fn folded_line(line: &str, width: usize) -> String {
    let plain = anstream::adapter::strip_str(line).to_string();
    let is_fitting = plain.trim_end().chars().count() <= width;
    // What goes back to the beginning of its line is drawn again and again.
    if is_fitting || plain.contains('\r') {
        return line.to_owned();
    }
    match beginning(&plain) {
        Some(beginning) => broken(line, beginning, width),
        None => line.to_owned(),
    }
}

/// Where the text begins; `None` for what is no sentence.
fn beginning(plain: &str) -> Option<Beginning> {
    let lead = plain.chars().take_while(|character| *character == ' ').count();
    let text = plain.trim_start();
    let after = |n: usize| Some(Beginning { column: lead + n, rule: None });
    if let Some(rest) = text.strip_prefix('|') {
        // What is underlined, and what is said of it behind that.
        let is_drawn = |character: &char| " ^-|_~".contains(*character);
        let n = 1 + rest.chars().take_while(is_drawn).count();
        return Some(Beginning { column: lead + n, rule: Some(lead) });
    }
    let is_of_file = text.trim_start_matches(|character: char| character.is_ascii_digit()).starts_with(" |");
    if is_of_file || ["-->", ":::", "...", "─"].iter().any(|drawn| text.starts_with(drawn)) {
        return None;
    }
    for word in ["= help: ", "= note: ", "error: ", "warning: ", "help: "] {
        if text.starts_with(word) {
            return after(word.len());
        }
    }
    if ["error[", "warning["].iter().any(|word| text.starts_with(word)) {
        return after(text.find("]: ").map_or(0, |at| at + 3));
    }
    // `● leads  polls crm.contacts`: below what is told of it.
    if text.starts_with(['●', '○', '◐', '■', '✓', '✗', '–', '…']) {
        let name =
            text.chars().count() - text.split_once("  ").map_or(text, |(_, rest)| rest).trim_start().chars().count();
        return after(if name == 0 { 2 } else { name });
    }
    after(0)
}

fn broken(line: &str, beginning: Beginning, width: usize) -> String {
    let least = beginning.rule.map_or(2, |rule| rule + 2);
    let hang = if beginning.column + NARROWEST > width { least.min(beginning.column) } else { beginning.column };
    let mut out = String::with_capacity(line.len() + line.len() / 8);
    let mut column = 0;
    // The styles that hold, and the last place where the line may be broken, with those that hold there.
    let mut style = String::new();
    let mut space: Option<(usize, usize, String)> = None;
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        if let Some(escape) = rest.strip_prefix("\u{1b}[").and_then(|after| Some(&rest[..after.find('m')? + 3])) {
            if escape == "\u{1b}[0m" {
                style.clear()
            } else {
                style.push_str(escape)
            }
            out.push_str(escape);
            rest = &rest[escape.len()..];
            continue;
        }
        rest = &rest[character.len_utf8()..];
        if character == '\n' {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            continue;
        }
        if character == ' ' && column >= beginning.column.min(width) && column > hang {
            space = Some((out.len(), column, style.clone()));
        }
        out.push(character);
        column += 1;
        if column > width
            && character != ' '
            && let Some((at, of, styled)) = space.take()
        {
            let word = out.split_off(at);
            if !styled.is_empty() {
                out.push_str("\u{1b}[0m");
            }
            out.push('\n');
            match beginning.rule {
                Some(rule) => {
                    out.push_str(&rule_of(line));
                    out.push_str(&" ".repeat(hang - rule - 1));
                }
                None => out.push_str(&" ".repeat(hang)),
            }
            out.push_str(&styled);
            out.push_str(&word[1..]);
            column = hang + (column - of - 1);
        }
    }
    out
}

/// A line up to its rule, as it is drawn.
fn rule_of(line: &str) -> String {
    let rule = line.split_once('|').map_or("", |(before, _)| before);
    let reset = if rule.contains('\u{1b}') { "\u{1b}[0m" } else { "" };
    format!("{rule}|{reset}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_go_on_under_their_beginning() {
        for (text, wanted) in [
            ("short\n", "short\n"),
            (
                "error[F0203]: there is no field of this name at all\n",
                "error[F0203]: there is no field of this\n              name at all\n",
            ),
            (
                "   = help: did you mean `email`, or one of these others?\n",
                "   = help: did you mean `email`, or one\n           of these others?\n",
            ),
            (
                "   |   ^^^^^ this is no name of a field of it\n",
                "   |   ^^^^^ this is no name of a field\n   |         of it\n",
            ),
            (
                "  ● leads  polls crm.contacts every 15 seconds\n",
                "  ● leads  polls crm.contacts every 15\n           seconds\n",
            ),
            ("warning: one two three four five six seven\n", "warning: one two three four five six\n         seven\n"),
            ("one two three four five six seven eight nine\n", "one two three four five six seven eight\nnine\n"),
        ] {
            assert_eq!(folded(text, 40), wanted, "{text}");
            assert!(folded(text, 40).lines().all(|line| line.chars().count() <= 40), "{text}");
        }
    }

    #[test]
    fn where_little_room_is_left_text_goes_on_further_to_the_left() {
        let line = "  |                            ^^^ one two three\n";
        assert_eq!(folded(line, 40), "  |                            ^^^ one\n  | two three\n");
    }

    #[test]
    fn what_is_no_sentence_stays_as_it_is() {
        for text in [
            "12 |   name: one two three four five six seven eight\n",
            " --> flows/one two three four five six seven eight\n",
            "\r\u{1b}[K3 of 4 objects  one two three four five six seven eight",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        ] {
            assert_eq!(folded(text, 30), text);
        }
    }

    #[test]
    fn colours_hold_on_the_next_line_and_not_in_its_margin() {
        let line = "\u{1b}[1merror\u{1b}[0m: \u{1b}[1mone two three four five six seven\u{1b}[0m\n";
        assert_eq!(
            folded(line, 30),
            "\u{1b}[1merror\u{1b}[0m: \u{1b}[1mone two three four five\u{1b}[0m\n       \u{1b}[1msix seven\u{1b}[0m\n"
        );
        let line = "\u{1b}[94m  |\u{1b}[0m \u{1b}[91m^^\u{1b}[0m \u{1b}[91mone two three four five six\u{1b}[0m\n";
        assert_eq!(
            folded(line, 30),
            "\u{1b}[94m  |\u{1b}[0m \u{1b}[91m^^\u{1b}[0m \u{1b}[91mone two three four five\u{1b}[0m\n\u{1b}[94m  |\u{1b}[0m    \u{1b}[91msix\u{1b}[0m\n"
        );
    }
}
