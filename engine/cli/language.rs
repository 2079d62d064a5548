//! `millrace language`: what flows are written in.

mod reference;
mod schema;

use clap::{Args, Subcommand};
use flow::expr::helpers::{self, Helper};
use serde_json::{Value as Json, json};

use crate::place::PlaceArguments;
use crate::tables::{self, Format};
use crate::{Failure, screen};

pub use reference::{functions as functions_page, language as language_page};

/// What to show.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List the functions that expressions can call, each with an example
    #[command(after_help = "Examples:\n  millrace language functions\n  millrace language functions ends_with")]
    Functions(FunctionsArguments),
    /// Print a JSON Schema, by which editors complete, explain and underline
    #[command(
        after_help = "Examples:\n  millrace language schema flow > flow.schema.json\n  millrace language schema connections -C my-flows"
    )]
    Schema(SchemaArguments),
    /// Print the reference of the language, in Markdown
    #[command(after_help = "Examples:\n  millrace language reference\n  millrace language reference functions")]
    Reference(ReferenceArguments),
}

/// Arguments of `language schema`.
#[derive(Args, Debug)]
pub struct SchemaArguments {
    /// Of which kind of document
    kind: schema::Kind,
    /// A connection's settings are those of the project's connectors, too
    #[command(flatten)]
    place: PlaceArguments,
}

/// Arguments of `language reference`.
#[derive(Args, Debug)]
pub struct ReferenceArguments {
    /// Which page
    #[arg(value_enum, default_value_t)]
    page: Page,
}

/// A page of the reference.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum Page {
    /// Every key, with what stands behind it.
    #[default]
    Language,
    /// The functions of expressions.
    Functions,
}

/// Arguments of `language functions`.
#[derive(Args, Debug)]
pub struct FunctionsArguments {
    /// One function
    name: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Does it.
pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Functions(arguments) => functions(arguments),
        Command::Schema(arguments) => {
            screen::say_json(&schema::of(arguments.kind, &arguments.place)?);
            Ok(())
        }
        Command::Reference(arguments) => {
            screen::say(&match arguments.page {
                Page::Language => reference::language(),
                Page::Functions => reference::functions(),
            });
            Ok(())
        }
    }
}

fn functions(arguments: &FunctionsArguments) -> Result<(), Failure> {
    let is_meant = |helper: &&Helper| arguments.name.as_deref().is_none_or(|name| helper.name == name);
    let found: Vec<&Helper> = helpers::all().filter(is_meant).collect();
    if let (true, Some(name)) = (found.is_empty(), &arguments.name) {
        let known = helpers::all().map(|helper| helper.name.to_owned()).collect();
        return Err(Failure::unknown("function", name, known));
    }
    match arguments.format {
        Format::Json => screen::say_json(&found.into_iter().map(to_json).collect()),
        Format::Table => screen::say(&found.into_iter().map(in_words).collect::<Vec<_>>().join("\n")),
    }
    Ok(())
}

fn in_words(helper: &Helper) -> String {
    let doc = tables::wrapped("  ", helper.doc);
    let example = tables::wrapped("  ", &format!("{} gives {}", helper.example, helper.result));
    format!("{}\n{}\n{}\n", tables::strong(helper.signature), doc.trim_end(), example.trim_end())
}

fn to_json(helper: &Helper) -> Json {
    json!({
        "name": helper.name,
        "signature": helper.signature,
        "doc": helper.doc,
        "example": helper.example,
        "result": helper.result,
    })
}
