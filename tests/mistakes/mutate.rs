//! Slips of a hand that knows nothing of flows: letters, values, whole lines and their indentation.

use crate::dice::Dice;

/// What a slip does to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slip {
    /// A word with a letter twice, missing, another, or two letters turned.
    Misspelt,
    /// A value of another kind.
    Retyped,
    /// A line that is missing, alone or with all below it.
    Removed,
    /// Two values that have changed places.
    Swapped,
    /// A line that begins further left or right.
    Shifted,
    /// A line that stands there twice.
    Repeated,
}

/// A text with one slip in it.
pub struct Slipped {
    pub slip: Slip,
    pub text: String,
    /// The lines, from 1, at which the slip is visible; for a line that is gone, those around it and the one above them
    /// that it belonged to.
    pub lines: Vec<usize>,
    /// What was written there before, and what is now.
    pub change: String,
}

const SLIPS: [Slip; 6] = [Slip::Misspelt, Slip::Retyped, Slip::Removed, Slip::Swapped, Slip::Shifted, Slip::Repeated];
/// Values to be written where another one stood.
const VALUES: [&str; 9] = ["7", "-1", "2.5", "true", "[a, b]", "{a: b}", "soon", "\"\"", ""];

/// Makes one slip; `None` where this draw has no place in the text or changes nothing.
pub fn slip(text: &str, dice: &mut Dice) -> Option<Slipped> {
    let lines: Vec<&str> = text.lines().collect();
    let is_content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let content: Vec<usize> = (0..lines.len()).filter(|at| is_content(&lines[*at])).collect();
    let at = *dice.one(&content);
    let line = lines[at];
    let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let slip = *dice.one(&SLIPS);
    let mut seen = vec![at + 1];
    let change = match slip {
        Slip::Misspelt => {
            changed[at] = misspell(line, dice)?;
            format!("{line}  ->  {}", changed[at])
        }
        Slip::Retyped => {
            let (start, end) = value_of(line)?;
            changed[at].replace_range(start..end, VALUES[dice.below(VALUES.len())]);
            format!("{line}  ->  {}", changed[at])
        }
        Slip::Removed => {
            let n = if dice.below(2) == 0 { 1 } else { with_all_below(&lines, at) };
            changed.drain(at..at + n);
            seen = around(&lines, at);
            format!("{line}  ->  (removed, {n} lines)")
        }
        Slip::Swapped => {
            let other = *dice.one(&content);
            let ((start, end), (from, to)) = (value_of(line)?, value_of(lines[other])?);
            changed[at].replace_range(start..end, &lines[other][from..to]);
            changed[other].replace_range(from..to, &line[start..end]);
            seen.push(other + 1);
            format!("{line}  <->  {}", lines[other])
        }
        Slip::Shifted => {
            let by = [1, 2, 4][dice.below(3)];
            if dice.below(2) == 0 {
                changed[at] = format!("{}{line}", " ".repeat(by));
            } else {
                changed[at] = line.strip_prefix(" ".repeat(by).as_str())?.to_owned();
            }
            seen = around(&lines, at);
            seen.push(at + 2);
            format!("{line}  ->  {}", changed[at])
        }
        Slip::Repeated => {
            changed.insert(at + 1, line.to_owned());
            seen.push(at + 2);
            format!("{line}  ->  (twice)")
        }
    };
    let text = changed.join("\n") + "\n";
    seen.retain(|line| (1..=changed.len()).contains(line));
    (lines != changed).then_some(Slipped { slip, text, lines: seen, change })
}

/// A line with one slip in one of its words, comments excepted.
fn misspell(line: &str, dice: &mut Dice) -> Option<String> {
    let written = line.split(" #").next().unwrap_or(line);
    let words = words(written);
    let (start, end) = *words.get(dice.below(words.len().max(1)))?;
    let mut letters: Vec<char> = line[start..end].chars().collect();
    let at = dice.below(letters.len() - 1);
    match dice.below(4) {
        0 => letters.swap(at, at + 1),
        1 => letters.insert(at, letters[at]),
        2 => drop(letters.remove(at)),
        _ => letters[at] = if letters[at] == 'q' { 'x' } else { 'q' },
    }
    let word: String = letters.into_iter().collect();
    (word != line[start..end]).then(|| format!("{}{word}{}", &line[..start], &line[end..]))
}

/// Where the words of a line are that are long enough to be misspelt.
fn words(line: &str) -> Vec<(usize, usize)> {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let mut words = Vec::new();
    let mut start = None;
    for (at, letter) in line.char_indices().chain([(line.len(), ' ')]) {
        match (is_letter(letter), start) {
            (true, None) => start = Some(at),
            (false, Some(begin)) => {
                words.extend((at - begin >= 3).then_some((begin, at)));
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    words
}

/// Where the value behind a line's key is.
fn value_of(line: &str) -> Option<(usize, usize)> {
    let key = line.trim_start().trim_start_matches("- ");
    let (name, value) = key.split_once(": ")?;
    let is_key = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let start = line.len() - value.len();
    (is_key && !value.trim().is_empty()).then_some((start, line.trim_end().len()))
}

/// How many lines a line has with all that stands below it.
fn with_all_below(lines: &[&str], at: usize) -> usize {
    let below = lines[at + 1..].iter().take_while(|line| line.trim().is_empty() || indent(line) > indent(lines[at]));
    1 + below.count()
}

/// The lines around one that is gone, and the one that it stood under; at the left margin that is the document, whose
/// mistakes are told at its first key.
fn around(lines: &[&str], at: usize) -> Vec<usize> {
    let mut around = vec![at, at + 1];
    let is_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let is_above = |line: &str| is_content(line) && (indent(line) < indent(lines[at]));
    let above = lines[..at].iter().rposition(|line| is_above(line));
    // What a map lacks is told at its first key.
    around.extend(above.into_iter().flat_map(|above| [above + 1, above + 2]));
    let first = lines.iter().position(|line| is_content(line));
    around.extend(first.filter(|_| indent(lines[at]) == 0).map(|first| first + 1));
    around
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
