//! Tables, numbers and marks, everywhere in the same style.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use owo_colors::OwoColorize as _;
use sdk::Timestamp;
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

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its head.
    pub title: &'static str,
    /// Whether it holds numbers.
    pub is_number: bool,
}

/// A column of text.
pub const fn text(title: &'static str) -> Column {
    Column { title, is_number: false }
}

/// A column of numbers.
pub const fn number(title: &'static str) -> Column {
    Column { title, is_number: true }
}

/// A table as wide as the terminal allows, for standard output. The last row may be a total.
pub fn table(columns: &[Column], rows: Vec<Vec<String>>, total: Option<Vec<String>>) -> String {
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
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(screen::size().columns).unwrap_or(u16::MAX));
    table.set_header(align(columns.iter().map(|column| column.title.to_owned()).collect()));
    let has_total = total.is_some();
    for row in rows.into_iter().chain(total) {
        table.add_row(align(row));
    }
    coloured(&table.to_string(), has_total)
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

/// A flow's state with its mark.
pub fn flow_state(word: &str) -> String {
    let mark = match word {
        "active" => '●',
        "paused" | "disabled" => '◐',
        _ => '■',
    };
    format!("{mark} {word}")
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

/// A noun in the number that a count asks for: `1 run`, `2 runs`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A moment to the second, in UTC: `2026-01-02 10:00:00`.
pub fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// The time of day to the second, in UTC: `10:00:00`.
pub fn time_of_day(at: Timestamp) -> String {
    moment(at).get(11..).unwrap_or_default().to_owned()
}

/// Text cut to a width, with an ellipsis where something is missing.
pub fn cut(text: &str, width: usize) -> String {
    let one_line = text.replace(['\n', '\r', '\t'], " ");
    if one_line.chars().count() <= width {
        return one_line;
    }
    one_line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
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
    fn long_text_is_cut_and_says_so() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer\ntext", 8), "longer …");
    }

    #[test]
    fn tables_line_numbers_up_and_set_the_total_apart() {
        let rows = vec![vec!["a".to_owned(), "1".to_owned()], vec!["bb".to_owned(), "22".to_owned()]];
        let table = table(&[text("flow"), number("runs")], rows, Some(vec!["total".to_owned(), "23".to_owned()]));
        let plain = anstream::adapter::strip_str(&table).to_string();
        assert_eq!(
            plain,
            "──────────────\n flow    runs\n──────────────\n a          1\n bb        22\n total     23\n──────────────\n"
        );
    }
}
