//! How requests show who we are.

use text::{Map, Node};

use super::request::{header_name, pairs};
use crate::rest::language::words::{self, Way};
use crate::rest::manifest::{Auth, AuthKind, ClientIn, Grant, OAuth2};
use crate::rest::reader::Reader;
use crate::rest::template::{Piece, Root, Step, Template};
use crate::rest::{codes, language};

const ROOTS: &[Root] = &[Root::Secret, Root::Config];

/// The noun `auth`.
pub(super) fn auth(map: &Map, reader: &mut Reader) -> Vec<Auth> {
    let Some(entry) = map.get("auth") else { return Vec::new() };
    let Some(map) = reader.any_map(&entry.value, "`auth`") else { return Vec::new() };
    map.entries.iter().filter_map(|entry| one(&entry.value, reader)).collect()
}

fn one(node: &Node, reader: &mut Reader) -> Option<Auth> {
    let any = reader.any_map(node, "a way to authenticate")?;
    let kind = reader.required(any, "kind", "a way to authenticate", node.span)?;
    let way = reader.word(&kind.value, "`kind`", &words::WAYS, &["session"])?;
    let mapping = match way {
        Way::Bearer => &language::BEARER,
        Way::Header => &language::HEADER,
        Way::Query => &language::QUERY,
        Way::Basic => &language::BASIC,
        Way::OAuth2 => &language::OAUTH2,
    };
    let map = reader.map(node, mapping)?;
    let mut part = |key: &str| {
        reader.required(map, key, "this kind", node.span)?;
        reader.template_at(map, key, ROOTS)
    };
    let kind = match way {
        Way::Bearer => AuthKind::Bearer(part("token")?),
        Way::Basic => AuthKind::Basic { user: part("user")?, password: part("password")? },
        Way::Query => AuthKind::Query { value: part("value")?, name: name(map, node, reader)? },
        Way::Header => {
            let value = part("value")?;
            let Some(name) = header_name(&name(map, node, reader)?) else {
                let span = map.get("name").map_or(node.span, |entry| entry.value.span);
                reader.error(codes::WRONG_VALUE, span, "this is no header's name", None);
                return None;
            };
            AuthKind::Header { name, value }
        }
        Way::OAuth2 => AuthKind::OAuth2(Box::new(oauth2(map, node, reader)?)),
    };
    let secrets = kind.templates().into_iter().flat_map(Template::references);
    let secrets = secrets.filter(|reference| reference.root == Root::Secret);
    let secrets = secrets.filter_map(|reference| match reference.path.first() {
        Some(Step::Key(name)) => Some(name.clone()),
        Some(Step::Index(_) | Step::Each) | None => None,
    });
    let secrets = secrets.collect();
    Some(Auth { kind, begins: reader.text_at(map, "begins"), secrets })
}

fn name(map: &Map, node: &Node, reader: &mut Reader) -> Option<String> {
    let entry = reader.required(map, "name", "this kind", node.span)?;
    reader.text(&entry.value, "`name`")
}

fn oauth2(map: &Map, node: &Node, reader: &mut Reader) -> Option<OAuth2> {
    let grant = reader.required(map, "grant", "`oauth2`", node.span)?;
    let refreshes = reader.word(&grant.value, "`grant`", &words::GRANTS, &["authorization_code", "jwt_bearer"])?;
    let grant = match (refreshes, map.get("refresh_token")) {
        (false, None) => Grant::ClientCredentials,
        (true, Some(entry)) => Grant::RefreshToken(reader.template(&entry.value, "`refresh_token`", ROOTS)?),
        (true, None) => {
            reader.required(map, "refresh_token", "`grant: refresh_token`", node.span)?;
            return None;
        }
        (false, Some(entry)) => {
            let message = "`grant: client_credentials` has no refresh token";
            reader.error(codes::WRONG_VALUE, entry.key.span, message, None);
            return None;
        }
    };
    let token_url = reader.required(map, "token_url", "`oauth2`", node.span)?;
    let url = reader.template(&token_url.value, "`token_url`", &[Root::Config])?;
    let begins_well = match url.pieces.first() {
        Some(Piece::Text(text)) => text.starts_with("https://") || text.starts_with('/'),
        Some(Piece::Reference(_)) | None => false,
    };
    if !begins_well {
        let help = "write a path at the service's own address, such as `/oauth/token`, or a whole address".to_owned();
        let message = "a token's address begins with `/` or `https://`";
        reader.error(codes::WRONG_VALUE, token_url.value.span, message, Some(help));
        return None;
    }
    reader.required(map, "client_id", "`oauth2`", node.span)?;
    let client_in = match map.get("client_in") {
        Some(entry) => reader.word(&entry.value, "`client_in`", &words::CLIENT_IN, &[])?,
        None => ClientIn::Body,
    };
    Some(OAuth2 {
        grant,
        token_url: url,
        client_id: reader.template_at(map, "client_id", ROOTS)?,
        client_secret: reader.template_at(map, "client_secret", ROOTS),
        client_in,
        scopes: reader.texts(map, "scopes"),
        form: pairs(map, "form", ROOTS, reader),
    })
}
