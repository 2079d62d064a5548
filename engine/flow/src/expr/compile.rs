//! From source to a checked tree. All that can be known without a record is found here.

use std::ops::Range;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::engine::ENGINE;
use super::mistake::{self, code};
use super::{ExpressionMistake, Place, Reads, helpers, limits, tree};

/// What an expression was understood as.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) source: String,
    pub(super) place: Place,
    pub(super) tree: AST,
    pub(super) reads: Reads,
}

/// Compiles the source.
pub(super) fn compile(source: &str, place: &Place) -> Result<Compiled, ExpressionMistake> {
    if source.trim().is_empty() {
        return Err(
            mistake::plain(code::SYNTAX, "there is no expression here").help("write a value, for example `record.id`")
        );
    }
    if source.len() > limits::SOURCE {
        let message =
            format!("the expression is too long ({} KB; at most {} KB)", source.len() / 1024, limits::SOURCE / 1024);
        return Err(mistake::plain(code::TOO_LONG, message).help("name parts of it in a `let:` step"));
    }
    let tree = ENGINE.compile_expression(source).map_err(|error| mistake::of_parsing(source, &error))?;
    check(&tree, source)?;
    let reads = tree::reads(&tree, source);
    mistake::of_foreign_names(source, &reads)?;
    Ok(Compiled { source: source.to_owned(), place: place.clone(), tree, reads })
}

/// Finds what parses and yet must not be: the first in the source counts.
fn check(tree: &AST, source: &str) -> Result<(), ExpressionMistake> {
    let mut found: Vec<(usize, ExpressionMistake)> = Vec::new();
    let mut captures = false;
    let span = |position: Position| tree::word(source, position);
    tree::each_node(tree, &mut |node| {
        let mistake = match node {
            ASTNode::Stmt(Stmt::Share(names)) => {
                captures = true;
                names.first().map(|(name, _)| mistake::capture(&name.name, span(name.pos)))
            }
            ASTNode::Stmt(Stmt::Switch(_, position)) => Some(
                mistake::plain(code::NOT_SUPPORTED, "`switch` would silently pass over values of another type")
                    .at(span(*position))
                    .help("write `if a == 1 { … } else { … }`, or look the value up: `lookup(#{ won: 1, lost: 0 }, record.stage, 0)`"),
            ),
            ASTNode::Stmt(Stmt::Expr(_) | Stmt::FnCall(..) | Stmt::If(..) | Stmt::Block(_) | Stmt::Noop(_)) => None,
            ASTNode::Stmt(other) => Some(mistake::only_expressions(span(other.position()))),
            ASTNode::Expr(Expr::CharConstant(character, position)) => Some(character_literal(source, *character, *position)),
            ASTNode::Expr(Expr::FnCall(call, position)) if call.op_token.is_none() => {
                check_call(call.name.as_str(), call.args.len(), span(*position)).or_else(|| check_pattern(call, source))
            }
            ASTNode::Expr(Expr::FnCall(call, position)) if is_order_of_nothing(call) => {
                let operator = tree::offset(source, *position).map(|start| start..start + call.name.len());
                Some(mistake::order_of_nothing(operator))
            }
            ASTNode::Expr(Expr::MethodCall(call, position)) => {
                check_call(call.name.as_str(), call.args.len() + 1, span(*position))
                    .or_else(|| check_pattern(call, source))
            }
            ASTNode::Expr(_) => None,
            _ => Some(mistake::only_expressions(None)),
        };
        if let Some(mistake) = mistake {
            found.push((mistake.span.as_ref().map_or(usize::MAX, |span| span.start), mistake));
        }
    });
    // Rhai writes a capture as a call of `curry`, which the author never wrote.
    if captures {
        found.retain(|(_, mistake)| !mistake.message.contains("`curry`"));
    }
    match found.into_iter().min_by_key(|(start, _)| *start) {
        Some((_, mistake)) => Err(mistake),
        None => Ok(()),
    }
}

/// Whether it asks for an order with `()`, which has none.
fn is_order_of_nothing(call: &FnCallExpr) -> bool {
    matches!(call.name.as_str(), "<" | "<=" | ">" | ">=") && call.args.iter().any(|side| matches!(side, Expr::Unit(_)))
}

fn character_literal(source: &str, character: char, position: Position) -> ExpressionMistake {
    let span = tree::offset(source, position).map(|start| {
        let len = source[start..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 1);
        start..start + len
    });
    mistake::plain(code::SYNTAX, "text stands in double quotes")
        .at(span)
        .replacement(format!("\"{}\"", character.escape_default()))
}

fn check_call(name: &str, arguments: usize, span: Option<Range<usize>>) -> Option<ExpressionMistake> {
    let arities = helpers::arities(name);
    if arities.is_empty() {
        return Some(mistake::unknown_function(name, span));
    }
    if arities.contains(&arguments) {
        return None;
    }
    let given = if arguments == 1 { "1 argument".to_owned() } else { format!("{arguments} arguments") };
    let message = format!("`{name}` does not take {given}, counting the value before the dot");
    let help = format!("it is written {}", helpers::signatures(name));
    Some(mistake::plain(code::ARGUMENTS, message).at(span).help(help))
}

/// A pattern that is written down must be one.
fn check_pattern(call: &FnCallExpr, source: &str) -> Option<ExpressionMistake> {
    let Some(Expr::StringConstant(pattern, position)) = call.args.last().filter(|_| call.name == "format") else {
        return None;
    };
    let mistake = mistake::plain(code::ARGUMENTS, helpers::patterns::mistake(pattern)?);
    let start = tree::offset(source, *position)?;
    let span = start..(start + pattern.len() + 2).min(source.len());
    let is_plain = source.get(span.clone()).is_some_and(|written| written.trim_matches('"') == pattern.as_str());
    let mistake = mistake.at(Some(if is_plain { span } else { start..start + 1 }));
    Some(match helpers::patterns::translated(pattern).filter(|_| is_plain) {
        Some(ours) => mistake.help(format!("write `\"{ours}\"`")).replacement(format!("\"{ours}\"")),
        None => mistake.help("such as `\"%Y-%m-%d\"`: `%Y %m %d %H %M %S %B %A`"),
    })
}

/// Whether the word is read as a name.
pub(super) fn is_name(word: &str) -> bool {
    ENGINE.compile_expression(word).is_ok_and(|tree| match tree.statements() {
        [Stmt::Expr(expression)] => matches!(&**expression, Expr::Variable(name, ..) if name.1 == word),
        _ => false,
    })
}
