//! Tables, numbers and marks, everywhere in the same style.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use owo_colors::OwoColorize as _;
use sdk::{FieldType, Timestamp};
use store::RunState;

use crate::screen;

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// How a list of data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFormat {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For programs, one object a line.
    Jsonl,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its head.
    pub title: &'static str,
    /// Whether it holds numbers.
    pub is_number: bool,
    /// Whether its cells may be cut where a terminal is narrow.
    pub gives_way: bool,
    /// Whether it may be left out where a terminal is narrow; the last goes first.
    pub is_spare: bool,
}

/// A column of text.
pub const fn text(title: &'static str) -> Column {
    Column { title, is_number: false, gives_way: false, is_spare: false }
}

/// A column of text that is cut where a terminal is narrow.
pub const fn cuttable(title: &'static str) -> Column {
    Column { title, is_number: false, gives_way: true, is_spare: false }
}

/// A column of numbers.
pub const fn number(title: &'static str) -> Column {
    Column { title, is_number: true, gives_way: false, is_spare: false }
}

/// A column of numbers that is left out where a terminal is narrow.
pub const fn spare_number(title: &'static str) -> Column {
    Column { is_spare: true, ..number(title) }
}

/// The space between columns.
const GAP: u16 = 2;
/// No column is cut to less than this.
const NARROWEST: usize = 12;

/// A table for standard output, at most as wide as its terminal. The last row may be a total.
pub fn table(columns: &[Column], rows: Vec<Vec<String>>, total: Option<Vec<String>>) -> String {
    fitting(columns, rows, total, screen::width_of_answers())
}

/// The same for a terminal of this width; `None` where nothing is to be cut.
fn fitting(columns: &[Column], rows: Vec<Vec<String>>, total: Option<Vec<String>>, width: Option<usize>) -> String {
    let has_total = total.is_some();
    let mut rows: Vec<Vec<String>> = rows.into_iter().chain(total).collect();
    for cell in rows.iter_mut().flatten() {
        *cell = one_line(cell);
    }
    let mut columns = columns.to_vec();
    if let Some(width) = width {
        leave_out_spare(&mut columns, &mut rows, width);
        cut_to(&columns, &mut rows, width);
    }
    let columns = &columns[..];
    let align = |cells: Vec<String>| -> Vec<Cell> {
        cells
            .into_iter()
            .zip(columns)
            .map(|(text, column)| {
                let alignment = if column.is_number { CellAlignment::Right } else { CellAlignment::Left };
                Cell::new(text).set_alignment(alignment)
            })
            .collect()
    };
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY.row_separator(comfy_table::LineStyle::none()));
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(align(columns.iter().map(|column| column.title.to_owned()).collect()));
    for row in rows {
        table.add_row(align(row));
    }
    let last = columns.len().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        // A place for a vertical rule is kept even where none is drawn.
        column.set_padding((0, if index == last { 0 } else { GAP - 1 }));
    }
    coloured(&table.to_string(), has_total)
}

/// How wide a column is where nothing is cut.
fn widest(index: usize, columns: &[Column], rows: &[Vec<String>]) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count());
    cells.chain([columns[index].title.chars().count()]).max().unwrap_or_default()
}

/// How wide a table is where nothing is cut.
pub fn width(columns: &[Column], rows: &[Vec<String>]) -> usize {
    let cells: usize = (0..columns.len()).map(|index| widest(index, columns, rows)).sum();
    cells + usize::from(GAP) * columns.len().saturating_sub(1)
}

/// Leaves spare columns out, until the others fit side by side, each name as long as it is; but no more than it takes.
fn leave_out_spare(columns: &mut Vec<Column>, rows: &mut [Vec<String>], size: usize) {
    while width(columns, rows) > size
        && let Some(spare) = columns.iter().rposition(|column| column.is_spare)
    {
        columns.remove(spare);
        for row in rows.iter_mut().filter(|row| spare < row.len()) {
            row.remove(spare);
        }
    }
}

/// Shortens the column that gives way, until all columns fit side by side.
fn cut_to(columns: &[Column], rows: &mut [Vec<String>], width: usize) {
    let Some(giving) = columns.iter().position(|column| column.gives_way) else { return };
    let others: usize =
        (0..columns.len()).filter(|index| *index != giving).map(|index| widest(index, columns, rows)).sum();
    let room = width.saturating_sub(others + usize::from(GAP) * (columns.len() - 1)).max(NARROWEST);
    for cell in rows.iter_mut().filter_map(|row| row.get_mut(giving)) {
        *cell = cut(cell, room);
    }
}

/// Rules are faint, the head and the total stand out, and marks say at a glance how it went.
fn coloured(table: &str, has_total: bool) -> String {
    let n_lines = table.lines().count();
    let mut out = String::new();
    for (number, line) in table.lines().enumerate() {
        let line = line.trim_end();
        let is_rule = line.chars().all(|character| "─═╌".contains(character));
        if is_rule {
            out.push_str(&line.replace('═', "─").dimmed().to_string());
        } else if number == 1 || (has_total && number + 2 == n_lines) {
            out.push_str(&marked(line).bold().to_string());
        } else {
            out.push_str(&marked(line));
        }
        out.push('\n');
    }
    out
}

/// The line with its marks in colour.
pub fn marked(line: &str) -> String {
    line.replace('✓', &"✓".green().to_string())
        .replace('✗', &"✗".red().to_string())
        .replace('●', &"●".green().to_string())
        .replace('◐', &"◐".yellow().to_string())
        .replace('■', &"■".red().to_string())
}

/// A name or a heading that stands out.
pub fn strong(text: &str) -> String {
    text.bold().to_string()
}

/// Facts, one below the other, each after its name. What is too long for the terminal goes on below itself; what is
/// empty is left out.
pub fn facts(facts: &[(&str, String)]) -> String {
    facts_fitting(facts, screen::width_of_answers())
}

fn facts_fitting(facts: &[(&str, String)], width: Option<usize>) -> String {
    let facts: Vec<_> = facts.iter().filter(|(_, fact)| !fact.is_empty()).collect();
    let widest = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for (name, fact) in facts {
        let beginning = format!("  {name}{}", " ".repeat(widest - name.chars().count() + usize::from(GAP)));
        let lines = broken(&beginning, fact, width);
        out.push_str(&format!("{}{}\n", beginning.dimmed(), marked(lines[beginning.len()..].trim_end())));
    }
    out
}

/// A field's type as flows have it.
pub fn field_type(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Text => "text",
        FieldType::Number => "number",
        FieldType::Boolean => "boolean",
        FieldType::Date => "date",
        FieldType::Moment => "moment",
        FieldType::Choice => "choice",
        FieldType::Choices => "choices",
        FieldType::Any => "any",
    }
}

/// A run's state with its mark.
pub fn state(state: RunState) -> String {
    let mark = match state {
        RunState::Succeeded => '✓',
        RunState::Failed | RunState::Unknown => '✗',
        RunState::Skipped | RunState::Superseded | RunState::Cancelled => '–',
        RunState::Pending | RunState::Running | RunState::Waiting => '…',
    };
    format!("{mark} {}", state.word())
}

/// A flow's name after the mark of its state.
pub fn flow_mark(word: &str, flow: &str) -> String {
    let mark = match word {
        "active" => '●',
        "paused" | "disabled" => '◐',
        _ => '■',
    };
    format!("{mark} {flow}")
}

/// A count with its thousands set apart: `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count in at most seven characters: `12,345`, `123k`, `1.2M`.
pub fn brief(number: u64) -> String {
    match number {
        0..100_000 => count(number),
        100_000..1_000_000 => format!("{}k", number / 1_000),
        1_000_000..100_000_000 => format!("{}.{}M", number / 1_000_000, number % 1_000_000 / 100_000),
        _ => format!("{}M", count(number / 1_000_000)),
    }
}

/// A noun in the number that a count asks for: `1 run`, `2 runs`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A moment to the second, in UTC: `2026-01-02 10:00:00`.
pub fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// A moment as short as it can be told beside others: its time where it is of today, else its day.
pub fn recently(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (moment(at), moment(now));
    let (day, time) = at.split_once(' ').unwrap_or((&at, ""));
    if now.starts_with(day) { time.to_owned() } else { day.to_owned() }
}

/// The time of day to the second, in UTC: `10:00:00`.
pub fn time_of_day(at: Timestamp) -> String {
    moment(at).get(11..).unwrap_or_default().to_owned()
}

/// Text on one line, for services and records may say anything: white space is a blank, and what would have power over
/// a terminal is escaped.
pub fn one_line(text: &str) -> String {
    text::visible(&text.replace(['\n', '\r', '\t'], " "))
}

/// Text cut to a width, with an ellipsis where something is missing.
pub fn cut(text: &str, width: usize) -> String {
    let one_line = one_line(text);
    if one_line.chars().count() <= width {
        return one_line;
    }
    one_line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A line that begins so, broken between words where the terminal ends, and then goes on under its own beginning. What
/// services and records say may hold anything, so control characters are left out.
pub fn wrapped(beginning: &str, text: &str) -> String {
    broken(beginning, text, screen::width_of_answers())
}

fn broken(beginning: &str, text: &str, width: Option<usize>) -> String {
    let indent = beginning.chars().count();
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(NARROWEST));
    let text = one_line(text);
    let mut out = one_line(beginning);
    let mut used = 0;
    for word in text.split(' ') {
        let n = word.chars().count();
        if used > 0 && used + 1 + n > room {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += n;
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([99_999, 123_456, 1_250_000, 123_456_789].map(brief), ["99,999", "123k", "1.2M", "123M"]);
        assert_eq!(counted(1, "run"), "1 run");
        assert_eq!(counted(0, "run"), "0 runs");
    }

    #[test]
    fn moments_are_cut_to_seconds() {
        let at = Timestamp::parse("2026-01-02T10:00:00.123Z").unwrap();
        assert_eq!(moment(at), "2026-01-02 10:00:00");
        assert_eq!(time_of_day(at), "10:00:00");
    }

    #[test]
    fn facts_go_on_below_themselves() {
        let facts =
            [("objects", "companies, contacts, deals".to_owned()), ("id", "7".to_owned()), ("x", String::new())];
        let shown = |width| anstream::adapter::strip_str(&facts_fitting(&facts, width)).to_string();
        assert_eq!(shown(None), "  objects  companies, contacts, deals\n  id       7\n");
        assert_eq!(shown(Some(32)), "  objects  companies, contacts,\n           deals\n  id       7\n");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer\ntext", 8), "longer …");
    }

    #[test]
    fn long_lines_go_on_under_their_beginning() {
        let line = broken("what   ", "the service refused this contact", Some(24));
        assert_eq!(line, "what   the service\n       refused this\n       contact\n");
        assert_eq!(broken("  ", "a\nb\u{1b}[2J", None), "  a b\\u{1b}[2J\n", "shown, and not obeyed");
    }

    fn plain(columns: &[Column], rows: &[&[&str]], total: Option<&[&str]>, width: Option<usize>) -> String {
        let owned = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let table = fitting(columns, rows.iter().map(owned).collect(), total.as_ref().map(owned), width);
        anstream::adapter::strip_str(&table).to_string()
    }

    #[test]
    fn tables_line_numbers_up_and_set_the_total_apart() {
        let table = plain(&[text("flow"), number("runs")], &[&["a", "1"], &["bb", "22"]], Some(&["total", "23"]), None);
        assert_eq!(
            table,
            "───────────\nflow   runs\n───────────\na         1\nbb       22\ntotal    23\n───────────\n"
        );
    }

    #[test]
    fn spare_columns_make_room_the_last_first() {
        let columns = [cuttable("flow"), spare_number("looking"), number("all"), spare_number("such flows")];
        let row: &[&str] = &["customers-to-warehouse", "1", "2", "3"];
        let heads = |width| plain(&columns, &[row], None, width).lines().nth(1).unwrap_or_default().to_owned();
        assert!(heads(None).contains("looking  all  such flows"));
        assert!(heads(Some(40)).ends_with("looking  all"), "{}", heads(Some(40)));
        assert!(heads(Some(30)).split_whitespace().eq(["flow", "all"]), "{}", heads(Some(30)));
        for width in [20, 30, 40] {
            let table = plain(&columns, &[row], None, Some(width));
            assert!(table.lines().all(|line| line.chars().count() <= width), "{table}");
        }
    }

    #[test]
    fn only_what_gives_way_is_cut_and_only_where_it_must_be() {
        let columns = [text("run"), cuttable("why"), number("tries")];
        let row: &[&str] = &["0123456789", "a long story about one record", "3"];
        assert!(plain(&columns, &[row], None, None).contains("a long story about one record"));
        let narrow = plain(&columns, &[row], None, Some(40));
        assert!(narrow.contains("0123456789  a long story about o…"), "{narrow}");
        assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");
    }
}
