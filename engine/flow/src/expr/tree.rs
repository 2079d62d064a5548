//! Reading a compiled expression: which names it reads, what it calls, and what it must not do.

use std::collections::BTreeSet;
use std::ops::Range;

use rhai::{AST, ASTFlags, ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::{ItemsRead, Read, Reads, RootReads, compared};

/// A byte's place of a position in the source.
pub(super) fn offset(source: &str, position: Position) -> Option<usize> {
    let (line, column) = (position.line()?, position.position().unwrap_or(1));
    let start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &source[start..];
    let inside = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
    Some(start + inside)
}

/// The bytes of the word that begins at a position; one character where none does.
pub(super) fn word(source: &str, position: Position) -> Option<Range<usize>> {
    let start = offset(source, position)?;
    let rest = &source[start..];
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let one = rest.chars().next().map_or(0, char::len_utf8);
    Some(start..start + word.max(one))
}

/// Visits every node, those of closures too: they are positioned in the same source.
pub(super) fn each_node(tree: &AST, visit: &mut impl FnMut(ASTNode<'_>)) {
    tree.walk(&mut |path: &[ASTNode<'_>]| {
        if let Some(node) = path.last() {
            visit(*node);
        }
        true
    });
}

/// The two sides of the operator at a position, as the author wrote them, where they are plain paths.
pub(super) fn operands(tree: &AST, position: Position) -> Option<(Option<String>, Option<String>)> {
    let mut found = None;
    each_node(tree, &mut |node| {
        if let ASTNode::Expr(Expr::FnCall(call, at)) = node
            && *at == position
            && let [left, right] = call.args.as_slice()
        {
            found = Some((path_text(left), path_text(right)));
        }
    });
    found
}

pub(super) fn path_text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Variable(variable, ..) => Some(variable.1.to_string()),
        Expr::StringConstant(text, _) if text.len() < 40 => Some(format!("{:?}", text.as_str())),
        Expr::Dot(..) | Expr::Index(..) => {
            let (root, links) = chain(expression);
            let Expr::Variable(variable, ..) = root else { return None };
            links.iter().try_fold(variable.1.to_string(), |text, link| match link.part {
                Part::Name(name) if link.optional => Some(format!("{text}?.{name}")),
                Part::Name(name) => Some(format!("{text}.{name}")),
                Part::Key(_) | Part::Call(_) => None,
            })
        }
        _ => None,
    }
}

/// One step of `a.b?.c["d"].e()`.
pub(super) struct Link<'a> {
    optional: bool,
    pub(super) part: Part<'a>,
    /// Where the part stands.
    pub(super) at: Position,
}

impl<'a> Link<'a> {
    fn name(&self) -> Option<&'a str> {
        match self.part {
            Part::Name(name) => Some(name),
            Part::Key(_) | Part::Call(_) => None,
        }
    }
}

pub(super) enum Part<'a> {
    /// `.name` or `["name"]`.
    Name(&'a str),
    /// `[ … ]`, computed or a number.
    Key(&'a Expr),
    /// `.function( … )`.
    Call(&'a FnCallExpr),
}

/// Takes a chain apart. Rhai nests it to the right: the left side of each right side is the next link.
pub(super) fn chain(expression: &Expr) -> (&Expr, Vec<Link<'_>>) {
    let (Expr::Dot(pair, ..) | Expr::Index(pair, ..)) = expression else { return (expression, Vec::new()) };
    let mut links = Vec::new();
    let mut current = expression;
    loop {
        let (pair, flags, indexed) = match current {
            Expr::Dot(pair, flags, _) => (pair, *flags, false),
            Expr::Index(pair, flags, _) => (pair, *flags, true),
            _ => break,
        };
        let optional = flags.contains(ASTFlags::NEGATED);
        // Without BREAK the chain goes on in the right side.
        let goes_on = !flags.contains(ASTFlags::BREAK) && matches!(pair.rhs, Expr::Dot(..) | Expr::Index(..));
        let step = match &pair.rhs {
            Expr::Dot(next, ..) | Expr::Index(next, ..) if goes_on => &next.lhs,
            last => last,
        };
        links.push(Link { optional, part: part(step, indexed), at: step.position() });
        if !goes_on {
            break;
        }
        current = &pair.rhs;
    }
    (&pair.lhs, links)
}

fn part(step: &Expr, indexed: bool) -> Part<'_> {
    match step {
        Expr::Property(property, _) if !indexed => Part::Name(&property.2),
        Expr::StringConstant(name, _) if indexed => Part::Name(name),
        Expr::MethodCall(call, _) if !indexed => Part::Call(call),
        other => Part::Key(other),
    }
}

/// What the expression reads of the names around it. Closures capture nothing, so they read nothing.
pub(super) fn reads(tree: &AST, source: &str) -> Reads {
    let mut reader = Reader { source, reads: Reads::default(), present: BTreeSet::new() };
    tree.statements().iter().for_each(|statement| reader.statement(statement));
    for root in reader.reads.roots.values_mut() {
        root.uses.sort_by_key(|read| read.span.start);
    }
    if let [Stmt::Expr(question)] = tree.statements() {
        reader.reads.path = compared::path(question);
        reader.reads.set_where_true = found_set(question, true);
        reader.reads.set_where_false = found_set(question, false);
    }
    reader.reads
}

struct Reader<'a> {
    source: &'a str,
    reads: Reads,
    /// Names that a condition around has found to be set.
    present: BTreeSet<String>,
}

impl Reader<'_> {
    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Expr(expression) => self.expression(expression),
            Stmt::FnCall(call, _) => self.call(call),
            Stmt::Block(block) => block.iter().for_each(|statement| self.statement(statement)),
            Stmt::If(parts, _) => {
                self.expression(&parts.expr);
                let (if_true, if_false) = (found_set(&parts.expr, true), found_set(&parts.expr, false));
                self.knowing(if_true, |reader| parts.body.iter().for_each(|statement| reader.statement(statement)));
                self.knowing(if_false, |reader| parts.branch.iter().for_each(|statement| reader.statement(statement)));
            }
            // Everything else was refused.
            _ => {}
        }
    }

    /// Reads with some more names known to be set.
    fn knowing(&mut self, names: Vec<String>, read: impl FnOnce(&mut Self)) {
        let before = self.present.clone();
        self.present.extend(names);
        read(self);
        self.present = before;
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Variable(variable, _, position) => self.whole(&variable.1, *position, false),
            Expr::Dot(..) | Expr::Index(..) => self.chain(expression, false),
            Expr::FnCall(call, _) | Expr::MethodCall(call, _) => self.call(call),
            Expr::Stmt(block) => block.iter().for_each(|statement| self.statement(statement)),
            Expr::InterpolatedString(parts, _) | Expr::Array(parts, _) => {
                parts.iter().for_each(|part| self.expression(part));
            }
            Expr::Map(map, _) => map.0.iter().for_each(|(_, value)| self.expression(value)),
            Expr::And(parts, _) => {
                self.reads.together.push(compared::together(parts, self.source));
                self.in_turn(parts, true);
            }
            Expr::Or(parts, _) => self.in_turn(parts, false),
            Expr::Coalesce(parts, _) => {
                for (index, part) in parts.iter().enumerate() {
                    match part {
                        part if index + 1 < parts.len() => self.perhaps_nothing(part),
                        last => self.expression(last),
                    }
                }
            }
            _ => {}
        }
    }

    /// The parts of `&&` or `||`: each is only reached when those before were true, or false.
    fn in_turn(&mut self, parts: &[Expr], reached_when: bool) {
        let before = self.present.clone();
        for part in parts {
            self.expression(part);
            self.present.extend(found_set(part, reached_when));
        }
        self.present = before;
    }

    fn call(&mut self, call: &FnCallExpr) {
        self.reads.comparisons.extend(compared::of_call(call, self.source));
        self.reads.look_ups.extend(compared::look_up(call, self.source));
        match comparison_with_nothing(call) {
            Some((_, compared)) => self.asked(compared),
            None if self.items_of_call(call, None) => {}
            None => call.args.iter().for_each(|argument| self.expression(argument)),
        }
    }

    /// What is only asked whether it is there: nothing of it is read.
    fn asked(&mut self, expression: &Expr) {
        match expression {
            Expr::Variable(variable, _, position) => {
                self.read(&variable.1, Vec::new(), *position, true);
            }
            other => self.perhaps_nothing(other),
        }
    }

    /// An expression at a place where `()` is as good as any value.
    fn perhaps_nothing(&mut self, expression: &Expr) {
        match expression {
            Expr::Variable(variable, _, position) => self.whole(&variable.1, *position, true),
            Expr::Dot(..) | Expr::Index(..) => self.chain(expression, true),
            other => self.expression(other),
        }
    }

    /// A chain; `nothing_is_fine` where its value may be `()`.
    fn chain(&mut self, expression: &Expr, nothing_is_fine: bool) {
        let (root, links) = chain(expression);
        for link in &links {
            match link.part {
                Part::Key(key) => self.expression(key),
                Part::Call(call) => call.args.iter().for_each(|argument| self.expression(argument)),
                Part::Name(_) => {}
            }
        }
        let Expr::Variable(variable, _, position) = root else {
            // `first(deals)?.name`
            let is_read = match root {
                Expr::FnCall(call, _) => self.items_of_call(call, links.first()),
                _ => false,
            };
            if !is_read {
                self.expression(root);
            }
            return;
        };
        let (name, safe) = (&variable.1, links.first().is_some_and(|link| link.optional));
        let path: Vec<String> = links
            .iter()
            .map_while(|link| match link.part {
                Part::Name(name) => Some(name.to_owned()),
                Part::Key(_) | Part::Call(_) => None,
            })
            .collect();
        match links.first().map(|link| &link.part) {
            Some(Part::Call(call)) if is_blank(call) => {
                self.read(name, Vec::new(), *position, true);
            }
            Some(Part::Call(call)) => match items_read(call.name.as_str(), &call.args, links.get(1)) {
                Some(field) => self.items(name, *position, safe, field),
                None => self.whole(name, *position, safe),
            },
            // `deals[0].name`
            Some(Part::Key(Expr::IntegerConstant(..)))
                if matches!(links.get(1), Some(Link { part: Part::Name(_), .. })) =>
            {
                self.items(name, *position, safe, links.get(1).and_then(|link| link.name()));
            }
            Some(Part::Key(_)) => {
                let span = self.read(name, path, *position, safe);
                self.root(name).computed.get_or_insert(span);
            }
            Some(Part::Name(property)) => {
                let is_asked = match links.get(1) {
                    Some(Link { part: Part::Call(call), .. }) if is_blank(call) => true,
                    Some(next) => next.optional,
                    None => nothing_is_fine,
                };
                let property_safe = is_asked || self.present.contains(&property_of(name, property));
                self.read(name, path, *position, safe);
                if let Some(read) = self.root(name).uses.last_mut() {
                    read.property_safe = property_safe;
                }
                self.reads.comparisons.extend(compared::in_method(expression, self.source));
            }
            None => {
                self.read(name, path, *position, safe);
            }
        }
    }

    /// Whether it is a function of a list by its name that reads but little of its items; notes what.
    fn items_of_call(&mut self, call: &FnCallExpr, next: Option<&Link<'_>>) -> bool {
        let Some((Expr::Variable(variable, _, position), arguments)) = call.args.split_first() else { return false };
        let Some(field) = items_read(call.name.as_str(), arguments, next) else { return false };
        self.items(&variable.1, *position, false, field);
        true
    }

    fn items(&mut self, name: &str, position: Position, safe: bool, field: Option<&str>) {
        let span = self.read(name, Vec::new(), position, safe);
        self.root(name).items.push(ItemsRead { span, field: field.map(str::to_owned) });
    }

    fn whole(&mut self, name: &str, position: Position, safe: bool) {
        let span = self.read(name, Vec::new(), position, safe);
        self.root(name).whole.get_or_insert(span);
    }

    fn read(&mut self, name: &str, path: Vec<String>, position: Position, safe: bool) -> Range<usize> {
        let span = word(self.source, position).unwrap_or(0..0);
        let safe = safe || self.present.contains(name);
        self.root(name).uses.push(Read { path, span: span.clone(), safe, property_safe: false });
        span
    }

    fn root(&mut self, name: &str) -> &mut RootReads {
        self.reads.roots.entry(name.to_owned()).or_default()
    }
}

/// What a function of a list reads of its items, where that can be told: nothing but their number, or one field.
fn items_read<'a>(function: &str, arguments: &'a [Expr], next: Option<&Link<'a>>) -> Option<Option<&'a str>> {
    match (function, arguments) {
        ("len", []) => Some(None),
        ("pluck", [Expr::StringConstant(field, _)]) => Some(Some(field)),
        ("first" | "last", []) => next?.name().map(Some),
        _ => None,
    }
}

/// Whether it is `x == ()` or `is_blank(x)` (true), or `x != ()` (false), and `x`.
fn comparison_with_nothing(call: &FnCallExpr) -> Option<(bool, &Expr)> {
    match (call.name.as_str(), call.args.as_slice()) {
        ("==", [compared, Expr::Unit(_)] | [Expr::Unit(_), compared]) => Some((true, compared)),
        ("!=", [compared, Expr::Unit(_)] | [Expr::Unit(_), compared]) => Some((false, compared)),
        ("is_blank", [compared]) => Some((true, compared)),
        _ => None,
    }
}

/// Whether it is the `is_blank()` behind a dot, which takes `()` as what it is.
fn is_blank(call: &FnCallExpr) -> bool {
    call.name.as_str() == "is_blank" && call.args.is_empty()
}

/// The names that are certainly set when the condition turned out as `outcome`.
fn found_set(condition: &Expr, outcome: bool) -> Vec<String> {
    match condition {
        Expr::And(parts, _) if outcome => parts.iter().flat_map(|part| found_set(part, true)).collect(),
        Expr::Or(parts, _) if !outcome => parts.iter().flat_map(|part| found_set(part, false)).collect(),
        Expr::FnCall(call, _) => match (comparison_with_nothing(call), call.name.as_str(), call.args.as_slice()) {
            (Some((equal, compared)), ..) if equal != outcome => names_of(compared),
            (None, "!" | "not", [inner]) => found_set(inner, !outcome),
            _ => Vec::new(),
        },
        // `x.is_blank()` is false where it is there.
        Expr::Dot(..) | Expr::Index(..) if !outcome => match chain(condition) {
            (Expr::Variable(variable, ..), links) => match links.split_last() {
                Some((Link { part: Part::Call(call), optional: false, .. }, path)) if is_blank(call) => {
                    set_by(&variable.1, path)
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The names, and properties of names, that are set where the expression is not empty.
fn names_of(expression: &Expr) -> Vec<String> {
    match expression {
        Expr::Variable(variable, ..) => vec![variable.1.to_string()],
        Expr::Dot(..) | Expr::Index(..) => match chain(expression) {
            (Expr::Variable(variable, ..), links) => set_by(&variable.1, &links),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The same of `name.property` and `name?.property`: what has a property that is there is there itself.
fn set_by(name: &str, path: &[Link<'_>]) -> Vec<String> {
    match path {
        [] => vec![name.to_owned()],
        [Link { part: Part::Name(property), .. }] => vec![name.to_owned(), property_of(name, property)],
        _ => Vec::new(),
    }
}

/// How a property of a name is called among the names that are set.
fn property_of(name: &str, property: &str) -> String {
    format!("{name}.{property}")
}
