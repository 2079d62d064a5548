//! What changed from one text to another, as a unified diff: what `diff -u` shows and `patch` takes.

use std::ops::Range;

/// Unchanged lines around each change.
const CONTEXT: usize = 3;

/// Lines that were replaced by others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    before: Range<usize>,
    after: Range<usize>,
}

/// The diff of a file. It is empty where nothing changed.
pub fn unified(path: &str, before: &str, after: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let changes = changes(&old, &new);
    let mut out = String::new();
    let mut rest = &changes[..];
    while let Some(first) = rest.first() {
        // Changes whose surroundings meet are shown as one.
        let meets = |pair: &&[Change]| pair[1].before.start - pair[0].before.end <= 2 * CONTEXT;
        let n_together = 1 + rest.windows(2).take_while(meets).count();
        let (together, others) = rest.split_at(n_together);
        let last = &together[n_together - 1];
        let n_above = CONTEXT.min(first.before.start);
        let n_below = CONTEXT.min(old.len() - last.before.end);
        let of_old = first.before.start - n_above..last.before.end + n_below;
        let of_new = first.after.start - n_above..last.after.end + n_below;
        if out.is_empty() {
            out.push_str(&format!("--- a/{path}\n+++ b/{path}\n"));
        }
        out.push_str(&format!("@@ -{} +{} @@\n", range(&of_old), range(&of_new)));
        let mut at = of_old.start;
        for change in together {
            lines(' ', &old[at..change.before.start], &mut out);
            lines('-', &old[change.before.clone()], &mut out);
            lines('+', &new[change.after.clone()], &mut out);
            at = change.before.end;
        }
        lines(' ', &old[at..of_old.end], &mut out);
        rest = others;
    }
    out
}

/// From the top, the nearest lines that are alike again after each that are not.
fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let mut changes = Vec::new();
    let (mut x, mut y) = (0, 0);
    while x < old.len() || y < new.len() {
        if old.get(x) == new.get(y) {
            (x, y) = (x + 1, y + 1);
            continue;
        }
        let (dx, dy) = apart(&old[x..], &new[y..]);
        changes.push(Change { before: x..x + dx, after: y..y + dy });
        (x, y) = (x + dx, y + dy);
    }
    changes
}

/// How many lines of each are passed until the two meet.
fn apart(old: &[&str], new: &[&str]) -> (usize, usize) {
    for distance in 1..old.len() + new.len() {
        for dx in distance.saturating_sub(new.len())..=distance.min(old.len()) {
            let dy = distance - dx;
            // Empty lines are alike wherever they stand, so they prove nothing; neither does the end of one alone.
            let meet = old.get(dx).is_some_and(|line| new.get(dy) == Some(line) && !line.trim().is_empty());
            if meet {
                return (dx, dy);
            }
        }
    }
    (old.len(), new.len())
}

/// A range as diffs write it: from 1, and the line before where nothing is in it.
fn range(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        length => format!("{},{length}", lines.start + 1),
    }
}

fn lines(mark: char, lines: &[&str], out: &mut String) {
    for line in lines {
        out.push(mark);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text after a diff is applied to it.
    fn patched(before: &str, diff: &str) -> String {
        let old: Vec<_> = before.split_inclusive('\n').collect();
        let (mut out, mut at) = (String::new(), 0);
        let mut lines = diff.split_inclusive('\n').peekable();
        while let Some(line) = lines.next() {
            let cut = lines.peek().is_some_and(|next| next.starts_with('\\'));
            let text = if cut { line[1..].trim_end_matches('\n') } else { &line[1..] };
            if line.starts_with("---") || line.starts_with("+++") || line.starts_with('\\') {
                continue;
            } else if let Some(header) = line.strip_prefix("@@ -") {
                let (start, length) = header
                    .split_once(' ')
                    .unwrap()
                    .0
                    .split_once(',')
                    .unwrap_or((header.split_once(' ').unwrap().0, "1"));
                let start = start.parse::<usize>().unwrap() - usize::from(length != "0");
                old[at..start].iter().for_each(|line| out.push_str(line));
                at = start;
            } else if line.starts_with('+') {
                out.push_str(text);
            } else {
                assert_eq!(old[at], text);
                at += 1;
                if line.starts_with(' ') {
                    out.push_str(text);
                }
            }
        }
        old[at..].iter().for_each(|line| out.push_str(line));
        out
    }

    #[test]
    fn a_changed_line_is_shown_with_its_surroundings() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let diff = unified("flows/a.yaml", before, &before.replace('5', "five"));
        assert_eq!(
            diff,
            "--- a/flows/a.yaml\n+++ b/flows/a.yaml\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
        assert_eq!(unified("a", before, before), "");
    }

    #[test]
    fn a_diff_leads_from_one_text_to_the_other() {
        let numbers: String = (0..60).map(|number| format!("{number}\n")).collect();
        for (before, after) in [
            ("a\nb\n", "flow: x\na\nb\n"),
            ("a\nb", "a\nc"),
            ("", "a\n"),
            ("a\n", ""),
            ("a\n\nb\n\nc\n", "a\n\nx\n\nc\n"),
            (&numbers, &numbers.replace("7\n", "seven\n").replace("40\n", "")),
            (&numbers, &numbers.replace("30\n", "30\nmore\n").replace("33\n", "")),
        ] {
            let diff = unified("a", before, after);
            assert_eq!(patched(before, &diff), after, "{diff}");
        }
    }
}
