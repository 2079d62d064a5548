//! Which kind of value an expression gives, and what in it could only fail, from what is known of the names it reads.
//!
//! Whatever holds nothing is of no kind: a kind says what a value is where it is not empty. Where a kind is not known,
//! none is that is made of it, and nothing is said.

use rhai::{Dynamic, EvalAltResult, Expr, FnCallExpr, Position, Stmt};

use super::compare::Kind;
use super::compared::{self, literal};
use super::engine::ENGINE;
use super::helpers::takes::{LIST, NUMBER, PART, TEXT};
use super::helpers::{self, Gives};
use super::mistake::{self, code};
use super::tree::{Part, chain, path_text, word};
use super::{Expression, ExpressionMistake, failure, limits};

/// What is known of an expression without a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inferred {
    /// What its value is where it is not empty; `None` where that is not known.
    pub kind: Option<Kind>,
    /// What could only fail.
    pub mistakes: Vec<ExpressionMistake>,
}

impl Expression {
    /// What its value is and what in it could only fail, going by what `known` tells of a name and the properties read
    /// of it.
    pub fn infer(&self, known: &dyn Fn(&[String]) -> Option<Kind>) -> Inferred {
        let mut inference = Inference { source: self.source(), known, mistakes: Vec::new() };
        let kind = inference.block(self.compiled.tree.statements());
        Inferred { kind, mistakes: inference.mistakes }
    }

    /// The mistake of asking it, as it gives something else than true or false.
    pub fn no_question(&self, found: Kind) -> ExpressionMistake {
        mistake::no_question(found, self.reads().path.as_ref().map(|path| path.join(".")).as_deref())
    }

    /// The name of the function whose result it is.
    pub fn made_by(&self) -> Option<&str> {
        let [Stmt::Expr(expression)] = self.compiled.tree.statements() else { return None };
        match &**expression {
            Expr::FnCall(call, _) => Some(call.name.as_str()),
            Expr::Dot(..) | Expr::Index(..) => match chain(expression).1.last()?.part {
                Part::Call(call) => Some(call.name.as_str()),
                Part::Name(_) | Part::Key(_) => None,
            },
            _ => None,
        }
    }
}

struct Inference<'a> {
    source: &'a str,
    known: &'a dyn Fn(&[String]) -> Option<Kind>,
    mistakes: Vec<ExpressionMistake>,
}

/// An argument, or a side of an operator.
struct Argument {
    kind: Option<Kind>,
    /// As the author wrote it, where that is short.
    written: Option<String>,
    /// Its value, where it is plain.
    plain: Option<Dynamic>,
    at: Option<std::ops::Range<usize>>,
}

impl Inference<'_> {
    fn block(&mut self, statements: &[Stmt]) -> Option<Kind> {
        statements.iter().map(|statement| self.statement(statement)).last().unwrap_or(Some(Kind::Nothing))
    }

    fn statement(&mut self, statement: &Stmt) -> Option<Kind> {
        match statement {
            Stmt::Expr(expression) => self.expression(expression),
            Stmt::FnCall(call, at) => self.call(call, *at),
            Stmt::Block(block) => block.iter().map(|statement| self.statement(statement)).last().unwrap_or(None),
            Stmt::If(parts, _) => {
                self.question(&parts.expr);
                let if_true = parts.body.iter().map(|statement| self.statement(statement)).last();
                let if_false = parts.branch.iter().map(|statement| self.statement(statement)).last();
                agreed([if_true, if_false].into_iter().map(|kind| kind.unwrap_or(Some(Kind::Nothing))))
            }
            // Everything else was refused, or is nothing.
            _ => None,
        }
    }

    fn expression(&mut self, expression: &Expr) -> Option<Kind> {
        match expression {
            Expr::Unit(_) => Some(Kind::Nothing),
            Expr::BoolConstant(..) => Some(Kind::Boolean),
            Expr::IntegerConstant(..) | Expr::FloatConstant(..) => Some(Kind::Number),
            Expr::StringConstant(..) => Some(Kind::Text),
            Expr::DynamicConstant(value, _) => Some(Kind::of(value)),
            Expr::InterpolatedString(parts, _) => {
                parts.iter().for_each(|part| _ = self.expression(part));
                Some(Kind::Text)
            }
            Expr::Array(items, _) => {
                items.iter().for_each(|item| _ = self.expression(item));
                Some(Kind::List)
            }
            Expr::Map(map, _) => {
                map.0.iter().for_each(|(_, value)| _ = self.expression(value));
                Some(Kind::Map)
            }
            Expr::Stmt(block) => block.iter().map(|statement| self.statement(statement)).last().unwrap_or(None),
            Expr::And(parts, _) | Expr::Or(parts, _) => {
                parts.iter().for_each(|part| self.question(part));
                Some(Kind::Boolean)
            }
            Expr::Coalesce(parts, _) => {
                let kinds: Vec<_> = parts.iter().map(|part| self.expression(part)).collect();
                agreed(kinds.into_iter())
            }
            Expr::Variable(variable, ..) => (self.known)(&[variable.1.to_string()]),
            Expr::Dot(..) | Expr::Index(..) => self.chain(expression),
            Expr::FnCall(call, at) | Expr::MethodCall(call, at) => self.call(call, *at),
            _ => None,
        }
    }

    /// `a.b.c()`, one part after the other.
    fn chain(&mut self, expression: &Expr) -> Option<Kind> {
        let (root, links) = chain(expression);
        let mut so_far = self.argument(root);
        // The path that has been read, as long as it is no more than that.
        let mut path = match root {
            Expr::Variable(variable, ..) => Some(vec![variable.1.to_string()]),
            _ => None,
        };
        for link in &links {
            so_far = match link.part {
                Part::Name(name) => {
                    path.iter_mut().for_each(|path| path.push(name.to_owned()));
                    let kind = path.as_ref().and_then(|path| (self.known)(path));
                    if let (None, Some(of)) = (kind, so_far.kind)
                        && has_no_properties(of)
                    {
                        self.no_properties(name, of, so_far.written.as_deref(), link.at);
                        return None;
                    }
                    let written = path.as_ref().map(|path| path.join("."));
                    let at = so_far.at.clone();
                    Argument { kind, written, plain: None, at }
                }
                Part::Key(key) => {
                    self.expression(key);
                    path = None;
                    Argument { kind: None, written: None, plain: None, at: None }
                }
                Part::Call(call) => {
                    path = None;
                    let given: Vec<_> = call.args.iter().map(|argument| self.argument(argument)).collect();
                    let arguments: Vec<_> = std::iter::once(so_far).chain(given).collect();
                    let kind = self.function(call.name.as_str(), &arguments, link.at);
                    Argument { kind, written: None, plain: None, at: word(self.source, link.at) }
                }
            };
        }
        so_far.kind
    }

    fn argument(&mut self, expression: &Expr) -> Argument {
        let plain = match expression {
            Expr::StringConstant(text, _) => Some(text.clone().into()),
            Expr::IntegerConstant(number, _) => Some((*number).into()),
            Expr::FloatConstant(number, _) => Some((**number).into()),
            Expr::BoolConstant(flag, _) => Some((*flag).into()),
            _ => None,
        };
        let at = compared::operand(expression, self.source).map(|operand| operand.span);
        let at = at.or_else(|| word(self.source, expression.start_position()));
        Argument { kind: self.expression(expression), written: path_text(expression), plain, at }
    }

    /// What stands where true or false is asked for.
    fn question(&mut self, expression: &Expr) {
        let asked = self.argument(expression);
        if let Some(found) = asked.kind.filter(|kind| *kind != Kind::Boolean) {
            self.mistakes.push(mistake::no_question(found, asked.written.as_deref()).at(asked.at));
        }
    }

    fn call(&mut self, call: &FnCallExpr, at: Position) -> Option<Kind> {
        if let ("!" | "not", [asked]) = (call.name.as_str(), call.args.as_slice()) {
            self.question(asked);
            return Some(Kind::Boolean);
        }
        let arguments: Vec<_> = call.args.iter().map(|argument| self.argument(argument)).collect();
        match call.name.as_str() {
            "==" | "!=" | "<" | "<=" | ">" | ">=" => {
                // Names and plain values are compared where it is known which options there are.
                let is_looked_at = !compared::of_call(call, self.source).is_empty();
                if let ([left, right], false) = (arguments.as_slice(), is_looked_at) {
                    self.compare(left, right);
                }
                Some(Kind::Boolean)
            }
            ".." | "..=" => Some(Kind::Range),
            operator @ ("+" | "-" | "*" | "/" | "%" | "**") => self.operator(operator, &arguments, at),
            name if name.starts_with(|first: char| first.is_ascii_alphabetic()) => self.function(name, &arguments, at),
            _ => None,
        }
    }

    fn compare(&mut self, left: &Argument, right: &Argument) {
        let (Some(one), Some(other)) = (left.kind, right.kind) else { return };
        if one == other || one == Kind::Nothing || other == Kind::Nothing {
            return;
        }
        let message = format!("this compares {} with {}", one.described(), other.described());
        let way_out = conversion(one, other, left).or_else(|| conversion(other, one, right));
        let mistake = mistake::plain(code::OTHER_TYPE, message).at(right.at.clone());
        self.mistakes.push(match way_out {
            Some(way_out) => mistake.help(way_out),
            None => mistake.help("compare values of one type"),
        });
    }

    /// A function of the table: what it gives to arguments of these kinds.
    fn function(&mut self, name: &str, arguments: &[Argument], at: Position) -> Option<Kind> {
        let rows: Vec<_> = helpers::called(name, arguments.len()).collect();
        let takes = |row: &helpers::Helper, number: usize| {
            arguments[number].kind.is_none_or(|kind| row.argument(number).contains(&kind))
        };
        let all = 0..arguments.len();
        let fitting: Vec<_> = rows.iter().filter(|row| all.clone().all(|number| takes(row, number))).collect();
        if fitting.is_empty() && !rows.is_empty() {
            // The one that is wrong: where the others are right, or none would be right.
            let wrong = all.clone().find(|&wrong| {
                rows.iter().any(|row| all.clone().all(|number| number == wrong || takes(row, number)))
                    || !rows.iter().any(|row| takes(row, wrong))
            });
            let wrong = wrong.unwrap_or(0);
            let mut wanted: Vec<Kind> = Vec::new();
            for row in &rows {
                if all.clone().all(|number| number == wrong || takes(row, number)) || rows.len() == 1 {
                    let new = row.argument(wrong).iter().filter(|kind| !wanted.contains(kind)).copied();
                    wanted.extend(new.collect::<Vec<_>>());
                }
            }
            self.wrong_argument(name, &wanted, &arguments[wrong], at);
            return None;
        }
        if let Some(sentence) = refused(name, arguments) {
            let span = arguments.first().and_then(|argument| argument.at.clone());
            self.mistakes.push(mistake::plain(code::WRONG_ARGUMENT, sentence).at(span.or(word(self.source, at))));
        }
        let mut given = fitting.iter().map(|row| match row.gives {
            Gives::Always(kind) => Some(kind),
            Gives::LikeFirst => arguments.first().and_then(|first| first.kind),
            Gives::Unknown => None,
        });
        let first = given.next()??;
        given.all(|other| other == Some(first)).then_some(first)
    }

    fn operator(&mut self, operator: &str, arguments: &[Argument], at: Position) -> Option<Kind> {
        let numbers = (NUMBER, NUMBER, Kind::Number);
        let rows: &[_] = match operator {
            "+" => &[numbers, (TEXT, PART, Kind::Text), (PART, TEXT, Kind::Text), (LIST, LIST, Kind::List)],
            // Taken out of a text.
            "-" => &[numbers, (TEXT, TEXT, Kind::Text)],
            _ => &[numbers],
        };
        let takes = |kinds: &[Kind], argument: &Argument| argument.kind.is_none_or(|kind| kinds.contains(&kind));
        let (left, right) = match arguments {
            [only] => {
                if !takes(NUMBER, only) {
                    self.wrong_argument(operator, NUMBER, only, at);
                }
                return only.kind.filter(|kind| *kind == Kind::Number);
            }
            [left, right] => (left, right),
            _ => return None,
        };
        let mut fitting = rows.iter().filter(|(first, second, _)| takes(first, left) && takes(second, right));
        if let Some((_, _, gives)) = fitting.next() {
            return fitting.all(|(_, _, other)| other == gives).then_some(*gives);
        }
        let sides = [left, right].map(|side| side.kind.map_or("this", Kind::described));
        let message = match (left.kind, right.kind) {
            (Some(_), Some(_)) => format!("`{operator}` cannot be used between {} and {}", sides[0], sides[1]),
            (Some(_), None) => format!("`{operator}` cannot be used on {}", sides[0]),
            (None, _) => format!("`{operator}` cannot be used on {}", sides[1]),
        };
        let help = match (operator, left.kind, right.kind) {
            ("+" | "-", Some(Kind::Date | Kind::Moment), Some(Kind::Number)) => {
                "days are added by `add_days(n)`, hours by `add_hours(n)`".to_owned()
            }
            ("-", Some(Kind::Date | Kind::Moment), Some(Kind::Date | Kind::Moment)) => {
                "the time between two is told by `days_until(from, to)` and `hours_until(from, to)`".to_owned()
            }
            ("+", Some(Kind::List), _) => "put one item into a list as well: `list + [item]`".to_owned(),
            _ => [left, right]
                .into_iter()
                .find_map(|side| side.kind.filter(|kind| *kind != Kind::Number).and(conversion_to(NUMBER, side)))
                .unwrap_or_else(|| "it takes numbers".to_owned()),
        };
        let span = left.at.clone().zip(right.at.clone()).map(|(left, right)| left.start..right.end.max(left.end));
        self.mistakes.push(mistake::plain(code::WRONG_ARGUMENT, message).at(span.or(word(self.source, at))).help(help));
        None
    }

    fn wrong_argument(&mut self, function: &str, wanted: &[Kind], found: &Argument, at: Position) {
        let Some(kind) = found.kind else { return };
        let wanted_words: Vec<_> = wanted.iter().map(|kind| kind.described()).collect();
        let message = format!(
            "`{function}` takes {}, and {}",
            wanted_words.join(" or "),
            said_of(kind, found.written.as_deref())
        );
        let help = conversion_to(wanted, found).unwrap_or_else(|| match helpers::signatures(function) {
            written if written.is_empty() => "give it another value".to_owned(),
            written => format!("it is written {written}"),
        });
        let span = found.at.clone().or_else(|| word(self.source, at));
        self.mistakes.push(mistake::plain(code::WRONG_ARGUMENT, message).at(span).help(help));
    }

    fn no_properties(&mut self, name: &str, of: Kind, written: Option<&str>, at: Position) {
        let quoted = literal(self.source, at);
        let is_function = !helpers::arities(name).is_empty();
        let message = format!("{}, which has no `{name}`", said_of(of, written));
        let list = written.unwrap_or("list");
        let mistake = mistake::plain(code::NO_PROPERTIES, message).at(quoted);
        self.mistakes.push(match of {
            _ if is_function && helpers::called(name, 1).any(|row| row.argument(0).contains(&of)) => {
                let mistake = mistake.help(format!("a function is called with its parentheses: `{name}()`"));
                mistake.replacement(format!("{name}()"))
            }
            Kind::List => mistake.help(format!(
                "of the first item it is `first({list})?.{name}`, of all of them `{list}.pluck(\"{name}\")`; `each` goes through them"
            )),
            Kind::Nothing
            | Kind::Boolean
            | Kind::Number
            | Kind::Text
            | Kind::Date
            | Kind::Moment
            | Kind::Map
            | Kind::Range
            | Kind::Function
            | Kind::TooLarge => mistake.help("only records and maps have named parts"),
        });
    }
}

/// `record.email` is text; where it is written otherwise, "this".
pub(super) fn said_of(kind: Kind, written: Option<&str>) -> String {
    match written {
        Some(written) => format!("`{written}` is {}", kind.described()),
        None => format!("this is {}", kind.described()),
    }
}

/// The kind of what is one of several, where they are all of one; empty ones are of every kind.
fn agreed(kinds: impl Iterator<Item = Option<Kind>>) -> Option<Kind> {
    let mut agreed = Some(Kind::Nothing);
    for kind in kinds {
        agreed = match (agreed, kind) {
            (None, _) | (_, None) => None,
            (Some(Kind::Nothing), kind) => kind,
            (Some(so_far), Some(Kind::Nothing)) => Some(so_far),
            (Some(so_far), Some(kind)) => (so_far == kind).then_some(kind),
        };
    }
    agreed
}

fn has_no_properties(kind: Kind) -> bool {
    match kind {
        Kind::Boolean | Kind::Number | Kind::Text | Kind::Date | Kind::Moment | Kind::List => true,
        // Of what is empty, an expression may ask with `?.`; the rest is rare.
        Kind::Nothing | Kind::Map | Kind::Range | Kind::Function | Kind::TooLarge => false,
    }
}

/// What makes the one comparable with the other.
fn conversion(from: Kind, to: Kind, argument: &Argument) -> Option<String> {
    match (from, to) {
        (Kind::Text, Kind::Number | Kind::Date | Kind::Moment) | (Kind::Moment, Kind::Date) => {
            conversion_to(&[to], argument)
        }
        _ => None,
    }
}

/// What makes an argument one of the wanted kinds.
fn conversion_to(wanted: &[Kind], argument: &Argument) -> Option<String> {
    let kind = argument.kind?;
    let is_number = |text: String| text.trim().parse::<f64>().is_ok_and(f64::is_finite);
    if let (Kind::Text, true, Some(text)) = (kind, wanted.contains(&Kind::Number), &argument.plain) {
        return text.clone().into_string().is_ok_and(is_number).then(|| "without the quotes it is a number".to_owned());
    }
    let function = match kind {
        Kind::Text | Kind::Date if wanted.contains(&Kind::Moment) && !wanted.contains(&Kind::Date) => "moment",
        Kind::Text | Kind::Moment if wanted.contains(&Kind::Date) => "date",
        Kind::Text if wanted.contains(&Kind::Number) => "to_number",
        Kind::Number | Kind::Date | Kind::Moment | Kind::Boolean if wanted.contains(&Kind::Text) => "to_string",
        Kind::Nothing
        | Kind::Boolean
        | Kind::Number
        | Kind::Text
        | Kind::Date
        | Kind::Moment
        | Kind::List
        | Kind::Map
        | Kind::Range
        | Kind::Function
        | Kind::TooLarge => return None,
    };
    let written = argument.written.as_deref().unwrap_or("…");
    Some(format!("convert it first: `{function}({written})`"))
}

/// Why a function refuses plain arguments, which it does whenever it is asked.
fn refused(name: &str, arguments: &[Argument]) -> Option<String> {
    let values: Vec<Dynamic> = arguments.iter().map(|argument| argument.plain.clone()).collect::<Option<_>>()?;
    let mut scope = rhai::Scope::new();
    let names: Vec<String> = (0..values.len()).map(|number| format!("a{number}")).collect();
    for (name, value) in names.iter().zip(values) {
        scope.push_constant_dynamic(name.as_str(), value);
    }
    limits::begin(&jiff::tz::TimeZone::UTC);
    let call = format!("{name}({})", names.join(", "));
    let error: Box<EvalAltResult> = ENGINE.eval_expression_with_scope::<Dynamic>(&mut scope, &call).err()?;
    failure::said(&error)
}
