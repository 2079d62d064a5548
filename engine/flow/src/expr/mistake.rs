//! Mistakes in the source of an expression, in the author's words, with what to write instead.

use std::ops::Range;

use rhai::{LexError, ParseError, ParseErrorType};
use text::{Confidence, Meant, did_you_mean};

use super::compare::Kind;
use super::{ExpressionMistake, Reads, helpers, infer, tree};
use crate::language::elsewhere::{self, Here};

/// The kinds of mistakes, each with a page of its own.
pub mod code {
    /// It cannot be read.
    pub const SYNTAX: &str = "F0301";
    /// A function that does not exist.
    pub const UNKNOWN_FUNCTION: &str = "F0302";
    /// A function with too few or too many arguments.
    pub const ARGUMENTS: &str = "F0303";
    /// A closure that uses a name from outside.
    pub const CAPTURE: &str = "F0304";
    /// A reserved word as a field's name.
    pub const RESERVED: &str = "F0305";
    /// Rhai has it, and flows do not.
    pub const NOT_SUPPORTED: &str = "F0306";
    /// Compared with what it can never be compared with.
    pub const OTHER_TYPE: &str = "F0308";
    /// Too long, or nested too deeply.
    pub const TOO_LONG: &str = "F0307";
    /// What is neither true nor false where a question stands.
    pub const NOT_A_QUESTION: &str = "F0310";
    /// An argument that a function can never take.
    pub const WRONG_ARGUMENT: &str = "F0312";
    /// A property of what has none.
    pub const NO_PROPERTIES: &str = "F0313";
}

impl ExpressionMistake {
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn at(mut self, span: Option<Range<usize>>) -> Self {
        self.span = span;
        self
    }

    pub(super) fn replacement(mut self, text: impl Into<String>) -> Self {
        self.replacement = Some(text.into());
        self
    }

    /// A word in place of the mistaken one, as sure as it is.
    pub(super) fn meant(self, meant: Meant<'_>) -> Self {
        let confidence = meant.confidence;
        Self { confidence, ..self.replacement(meant.word) }
    }
}

/// A mistake with its sentence.
pub(super) fn plain(code: &'static str, message: impl Into<String>) -> ExpressionMistake {
    ExpressionMistake {
        code,
        message: message.into(),
        help: None,
        span: None,
        replacement: None,
        confidence: Confidence::IfProven,
    }
}

/// A function that is none of ours.
pub(super) fn unknown_function(name: &str, span: Option<Range<usize>>) -> ExpressionMistake {
    let mistake = plain(code::UNKNOWN_FUNCTION, format!("there is no function `{name}`")).at(span);
    match (elsewhere::function(name), did_you_mean(name, helpers::names())) {
        (Some(Here::Same(ours)), _) => mistake.help(format!("did you mean `{ours}`?")).meant(Meant::synonym(ours)),
        (Some(Here::Like(ours, sentence)), _) => mistake.help(sentence).meant(Meant::guess(ours)),
        (Some(Here::Otherwise(sentence)), _) => mistake.help(sentence),
        (None, Some(meant)) => mistake.help(format!("did you mean `{meant}`?")).meant(meant),
        (None, None) => mistake.help("`millrace language functions` lists all there are"),
    }
}

/// A closure that uses a name from outside.
pub(super) fn capture(name: &str, span: Option<Range<usize>>) -> ExpressionMistake {
    let message = format!("a function such as `|x| …` sees only its own names, and `{name}` is from outside");
    plain(code::CAPTURE, message).at(span).help(
        "use a function that takes the value instead: `where_field(list, \"name\", value)`, `pluck(list, \"name\")`, \
         `list.contains(value)`, or `each:` with steps",
    )
}

/// An order with `()`.
pub(super) fn order_of_nothing(span: Option<Range<usize>>) -> ExpressionMistake {
    plain(code::OTHER_TYPE, "an empty value has no order")
        .at(span)
        .help("ask `!= ()`, or say what counts where it is empty, such as `record.amount ?? 0`")
}

/// Something that is not an expression.
pub(super) fn only_expressions(span: Option<Range<usize>>) -> ExpressionMistake {
    plain(code::NOT_SUPPORTED, "only expressions are allowed")
        .at(span)
        .help("write one value, without statements; name values in a `let:` step")
}

/// What stands for a question and is neither true nor false.
pub(super) fn no_question(found: Kind, written: Option<&str>) -> ExpressionMistake {
    let message = format!("a question is answered with true or false, and {}", infer::said_of(found, written));
    let name = written.unwrap_or("…");
    plain(code::NOT_A_QUESTION, message).help(match found {
        Kind::Text => format!("ask whether it is there, `not(is_blank({name}))`, or compare it, `{name} == \"…\"`"),
        Kind::Number => format!("compare it, such as `{name} > 0`"),
        Kind::Date | Kind::Moment | Kind::Map => format!("ask whether it is there: `{name} != ()`"),
        Kind::List => format!("ask whether something is in it: `not(is_blank({name}))`"),
        Kind::Nothing | Kind::Boolean | Kind::Range | Kind::Function | Kind::TooLarge => {
            "compare it, such as `record.score > 0`".to_owned()
        }
    })
}

/// Names that other languages have for things that are written otherwise here.
pub(super) fn of_foreign_names(source: &str, reads: &Reads) -> Result<(), ExpressionMistake> {
    for (name, root) in &reads.roots {
        let Some(meant) = written_here(name) else { continue };
        let span = root.uses.first().map(|read| read.span.clone()).filter(|span| span.end <= source.len());
        let message = format!("there is no `{name}`; it is written `{meant}`");
        return Err(plain(code::SYNTAX, message).at(span).replacement(meant));
    }
    Ok(())
}

/// What a word of another language is here.
fn written_here(word: &str) -> Option<&'static str> {
    match word {
        "null" | "nil" | "None" | "none" | "undefined" | "NULL" | "void" => Some("()"),
        "True" | "TRUE" => Some("true"),
        "False" | "FALSE" => Some("false"),
        _ => None,
    }
}

/// Where a `{` stands that was meant as `#{`: where a value may begin, with a key and a colon after it.
fn map_without_hash(source: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in source.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character && before != '\\' => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '{') if matches!(before, ' ' | '(' | ',' | '[' | ':' | '=') => {
                let inside = source[at + 1..].trim_start();
                let key = inside.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"'));
                if key.len() < inside.len() && key.trim_start().starts_with(':') && !key.trim_start().starts_with("::")
                {
                    return Some(at);
                }
            }
            (None, _) => {}
        }
        // White space before a brace tells nothing: `if a {` has it too, but no key and colon after it.
        if !character.is_whitespace() || before == ' ' {
            before = character;
        }
    }
    None
}

/// What stands in the second braces of `${{ … }}` or `${ ${ … } }`.
fn in_two_braces(source: &str) -> Option<&str> {
    let inner = source.trim().trim_start_matches('$').strip_prefix('{')?.strip_suffix('}')?.trim();
    (!inner.is_empty() && !inner.contains(['{', '}', ';'])).then_some(inner)
}

/// Whether the text ends with the key of a map.
fn is_key(text: &str) -> bool {
    let rest = text.trim_end().trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"')).trim_end();
    rest.len() < text.trim_end().len() && (rest.ends_with("#{") || (rest.ends_with(',') && rest.contains("#{")))
}

/// What Rhai could not read.
pub(super) fn of_parsing(source: &str, error: &ParseError) -> ExpressionMistake {
    use ParseErrorType as Parse;
    let position = error.position();
    let span = tree::word(source, position);
    let start = tree::offset(source, position);
    if let Some(mistake) = start.and_then(|start| reserved_field(source, start)) {
        return mistake;
    }
    if let Some(start) = map_without_hash(source) {
        return plain(code::SYNTAX, "a map is written `#{ … }`, with a `#` before the brace")
            .at(Some(start..start + 1))
            .replacement("#{");
    }
    if let Some(inner) = in_two_braces(source) {
        return plain(code::NOT_SUPPORTED, "an expression stands in one pair of braces here")
            .at(Some(0..source.len()))
            .help(format!("write `${{ {inner} }}`"))
            .replacement(format!(" {inner} "));
    }
    if let Some(start) = start.filter(|start| source[*start..].starts_with("=>") && is_key(&source[..*start])) {
        return plain(code::SYNTAX, "in a map, a colon stands between a key and its value")
            .at(Some(start..start + 2))
            .replacement(":");
    }
    if let Some(start) = start.filter(|start| source[*start..].starts_with("=>")) {
        return plain(code::SYNTAX, "a function is written `|x| …`, without an arrow").at(Some(start..start + 2));
    }
    if start.is_some_and(|start| source[start..].starts_with('=') && !source[start..].starts_with("==")) {
        return of_unexpected("=", source, start, span);
    }
    let word = span.clone().map_or("", |span| &source[span]);
    let mistake = match error.err_type() {
        Parse::UnexpectedEOF => plain(code::SYNTAX, "the expression ends too early"),
        Parse::BadInput(lexing) => return of_lexing(source, lexing, start, span),
        Parse::MissingToken(..) if is_statement(word) => only_expressions(None),
        Parse::MissingToken(token, why) => plain(code::SYNTAX, format!("`{token}` is missing {why}")),
        Parse::MissingSymbol(why) => plain(code::SYNTAX, format!("something is missing here: {why}")),
        Parse::ExprTooDeep => {
            plain(code::TOO_LONG, "the expression exceeds maximum complexity: it is nested too deeply")
                .help("name parts of it in a `let:` step")
        }
        Parse::TooManyFunctions => {
            plain(code::TOO_LONG, "there are too many functions such as `|x| …` in one expression")
        }
        Parse::LiteralTooLarge(what, max) => plain(code::TOO_LONG, format!("{what} is too large (at most {max})")),
        Parse::Reserved(_) if is_statement(word) => only_expressions(None),
        Parse::Reserved(word) => return of_reserved(source, word, span),
        Parse::ExprExpected(_) if is_statement(word) => only_expressions(None),
        Parse::ExprExpected(what) => plain(code::SYNTAX, format!("{what} is expected here")),
        Parse::PropertyExpected if word == "[" => {
            return plain(code::SYNTAX, "there is no dot before `[`")
                .at(span.map(|span| span.start - 1..span.end))
                .replacement("[");
        }
        Parse::PropertyExpected if word.starts_with(|c: char| c.is_alphabetic()) => {
            return of_reserved(source, word, span.clone());
        }
        Parse::UnknownOperator(operator) if operator == "?" => {
            plain(code::SYNTAX, "there is no `a ? b : c`").help("write `if a { b } else { c }`")
        }
        Parse::PropertyExpected => plain(code::SYNTAX, "the name of a field or function is expected after the dot"),
        Parse::VariableExpected => plain(code::SYNTAX, "a name is expected here"),
        Parse::MismatchedType(..) if before(source, start).ends_with("||") => {
            let end = before(source, start).len();
            return plain(code::SYNTAX, "`||` asks whether one of two is true")
                .at(Some(end - 2..end))
                .help("the first of two values that is there is `a ?? b`")
                .replacement("??");
        }
        Parse::MismatchedType(wanted, found) => {
            let wanted = if wanted == "bool" { "true or false" } else { wanted.as_str() };
            plain(code::SYNTAX, format!("{wanted} is needed here, and this is {found}"))
        }
        Parse::DuplicatedProperty(name) => plain(code::SYNTAX, format!("`{name}` is given twice")),
        _ if is_statement(word) => only_expressions(None),
        other => plain(code::SYNTAX, lowered(&other.to_string())),
    };
    mistake.at(span)
}

fn lowered(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn is_statement(word: &str) -> bool {
    matches!(
        word,
        "let"
            | "const"
            | "fn"
            | "loop"
            | "while"
            | "do"
            | "for"
            | "return"
            | "throw"
            | "try"
            | "import"
            | "export"
            | "break"
            | "continue"
            | "private"
            | "{"
            | ";"
    )
}

/// `record.default`: the word stands after a dot, so it was meant as a field.
fn reserved_field(source: &str, start: usize) -> Option<ExpressionMistake> {
    let rest = &source[start..];
    let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    let name = &rest[..len];
    let before = source[..start].trim_end();
    if len == 0 || !before.ends_with('.') || before.ends_with("..") || rest[len..].trim_start().starts_with('(') {
        return None;
    }
    let (dot, bracket) = if before.ends_with("?.") { (2, "?[") } else { (1, "[") };
    let instead = format!("{bracket}\"{name}\"]");
    Some(
        plain(code::RESERVED, format!("`{name}` is a reserved word of the expression language"))
            .help(format!("the field is read as `{instead}`"))
            .at(Some(before.len() - dot..start + len))
            .replacement(instead),
    )
}

/// A word that Rhai keeps for itself, and that was switched off here.
fn of_reserved(source: &str, word: &str, span: Option<Range<usize>>) -> ExpressionMistake {
    let followed_by = span.as_ref().and_then(|span| source[span.end..].trim_start().chars().next());
    if is_statement(word) {
        only_expressions(span)
    } else if let Some(meant) = written_here(word) {
        plain(code::SYNTAX, format!("there is no `{word}`; it is written `{meant}`")).at(span).replacement(meant)
    } else if followed_by == Some('(') {
        unknown_function(word, span)
    } else {
        plain(code::SYNTAX, format!("`{word}` is a reserved word and means nothing here")).at(span)
    }
}

/// What others write as an operator, and ours.
const OPERATORS: [(&str, &str); 3] = [("===", "=="), ("!==", "!="), (":=", "==")];

fn of_lexing(source: &str, error: &LexError, start: Option<usize>, span: Option<Range<usize>>) -> ExpressionMistake {
    match error {
        LexError::UnterminatedString => plain(code::SYNTAX, "a text begins here and does not end").at(span),
        LexError::MalformedChar(_) => {
            let quoted = start.and_then(|start| quoted(source, start));
            let mistake = plain(code::SYNTAX, "text stands in double quotes");
            match quoted {
                Some((span, text)) => mistake
                    .at(Some(span))
                    .replacement(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
                None => mistake.at(span),
            }
        }
        LexError::StringTooLong(max) => {
            plain(code::TOO_LONG, format!("this text is too long (at most {max})")).at(span)
        }
        LexError::MalformedNumber(text) => plain(code::SYNTAX, format!("`{text}` is not a number")).at(span),
        LexError::MalformedEscapeSequence(text) => {
            plain(code::SYNTAX, format!("`{text}` means nothing in a text; for a backslash write `\\\\`")).at(span)
        }
        LexError::ImproperSymbol(word, _) if word.starts_with(|c: char| c.is_alphabetic()) => {
            of_reserved(source, word, span)
        }
        LexError::ImproperSymbol(symbol, _) => {
            plain(code::SYNTAX, format!("`{symbol}` is not an operator here")).at(span)
        }
        LexError::UnexpectedInput(text) => of_unexpected(text, source, start, span),
        LexError::MalformedIdentifier(text) => plain(code::SYNTAX, format!("`{text}` is not a name")).at(span),
        other => plain(code::SYNTAX, lowered(&other.to_string())).at(span),
    }
}

/// Something stands where the expression should have ended.
fn of_unexpected(text: &str, source: &str, start: Option<usize>, span: Option<Range<usize>>) -> ExpressionMistake {
    if let Some((start, (theirs, ours))) =
        start.and_then(|start| Some((start, OPERATORS.iter().find(|(theirs, _)| source[start..].starts_with(theirs))?)))
    {
        return plain(code::SYNTAX, format!("`{theirs}` is not an operator here"))
            .at(Some(start..start + theirs.len()))
            .help(format!("did you mean `{ours}`?"))
            .replacement(*ours);
    }
    if let Some(start) = start.filter(|start| text == ">" && source[..*start].ends_with('<')) {
        return plain(code::SYNTAX, "`<>` is not an operator here")
            .at(Some(start - 1..start + 1))
            .help("did you mean `!=`?")
            .replacement("!=");
    }
    let exact = start.map(|start| start..(start + text.len()).min(source.len())).or(span);
    match text {
        "=" => plain(code::SYNTAX, "`=` assigns, and an expression only asks")
            .at(exact)
            .help("did you mean `==`?")
            .replacement("=="),
        _ if is_statement(text) || matches!(text, "+=" | "-=" | "*=" | "/=") => only_expressions(exact),
        "and" => plain(code::SYNTAX, "`and` is written `&&`").at(exact).replacement("&&"),
        "or" => plain(code::SYNTAX, "`or` is written `||`").at(exact).replacement("||"),
        "not" => plain(code::SYNTAX, "there is no `not in`").at(exact).help("write `not(a in b)`"),
        "“" | "”" | "„" | "‘" | "’" => {
            let mistake = plain(code::SYNTAX, "text stands in straight double quotes");
            match start.and_then(|start| curly(source, start)) {
                Some((span, text)) => {
                    let straight = format!("\"{text}\"");
                    mistake.at(Some(span)).help(format!("write `{straight}`")).replacement(straight)
                }
                None => mistake.at(exact),
            }
        }
        _ if text.starts_with(char::is_alphabetic) && start.is_some_and(|start| is_field(&source[..start])) => {
            let before = before(source, start);
            let whole = before.rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.')).map_or(0, |at| at + 1);
            let (path, first) = before[whole..].rsplit_once('.').unwrap_or((before, ""));
            plain(code::SYNTAX, format!("`{text}` is not expected here"))
                .at(exact)
                .help(format!("where the field's name has blanks, it is read as `{path}[\"{first} {text}\"]`"))
        }
        _ if source.trim_start().starts_with("not ") => plain(code::SYNTAX, format!("`{text}` is not expected here"))
            .at(exact)
            .help("write `not(…)`, with parentheses"),
        _ => {
            plain(code::SYNTAX, format!("`{text}` is not expected here: an operator, or the end of the expression, is"))
                .at(exact)
        }
    }
}

/// What stands before a place, without the white space at its end.
fn before(source: &str, start: Option<usize>) -> &str {
    start.and_then(|start| source.get(..start)).unwrap_or_default().trim_end()
}

/// Whether the text ends with a field that is read by a dot, and a blank behind it.
fn is_field(text: &str) -> bool {
    let path = text.trim_end();
    let field = path.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
    path.len() < text.len() && field.len() < path.len() && field.ends_with('.')
}

/// A text in curly quotes.
fn curly(source: &str, start: usize) -> Option<(Range<usize>, &str)> {
    let quote = source[start..].chars().next()?;
    let inner = start + quote.len_utf8();
    let (close, other) = source[inner..].char_indices().find(|(_, c)| matches!(c, '“' | '”' | '‘' | '’' | '"'))?;
    Some((start..inner + close + other.len_utf8(), &source[inner..inner + close]))
}

fn quoted(source: &str, start: usize) -> Option<(Range<usize>, &str)> {
    // Rhai gives the place of the opening quote, or of the character after it.
    let open = if source[start..].starts_with('\'') { start } else { source[..start].rfind('\'')? };
    let len = source[open + 1..].find('\'')?;
    Some((open..open + len + 2, &source[open + 1..open + 1 + len]))
}
