//! Every kind of mistake, each at its place.

use text::{Colour, SourceFile, render};

use crate::rest::{RestConnector, check};

/// A small manifest without a mistake.
const GOOD: &str = r#"connector: shop
title: A shop
base_url: https://${config.shop}.example.com
config:
  token: {secret: true, required: true, help: The key.}
  shop: {host_label: true, required: true}
  tier: {choice: [small, large]}
auth:
  key: {kind: bearer, token: "${secret.token}"}
check: {get: /me, id: "${body.id}"}
limits:
  calls: {max: 10, per: 1s, tiers: {large: 100}}
default_limits: [calls]
errors:
  message: "${body.message}"
  rules:
    - {status: 429, where: {"${body.code}": [quota, daily]}, is: quota_exhausted}
    - {status: 5xx, is: transient, applied: no}
templates:
  object:
    params: [path]
    id: "${record.id}"
    fields: {static: {name: text, changed_at: {type: moment, read_only: true}}}
    stamps: {modified: {field: changed_at}}
    poll:
      - serves: new_or_updated
        mode: cursor
        get: /${param.path}
        query: {since: "${cursor.value | rfc3339}", page: "${page.token}"}
        items: "${body.data}"
        page: {kind: token, next: "${body.next}"}
        stamp: "${item.changed_at}"
    write:
      create: {post: "/${param.path}", json: "${input}", id: "${body.id}", retry: unsafe}
resources:
  orders: {use: object, title: Order, with: {path: orders}}
actions:
  pack:
    inputs: {order: {required: true, help: Which.}, how: {choice: {soft: 1, hard: 2}}}
    post: /orders/${input.order}/pack
    json: {how: "${input.how}"}
    retry: safe
    result: {label: "${body.label}"}
"#;

/// What shows who one is in the good manifest.
const KEY: &str = "{kind: bearer, token: \"${secret.token}\"}";

fn told(manifest: &str) -> Vec<(String, String, String)> {
    let file = SourceFile::new("shop.yaml", manifest);
    let place = |diagnostic: &text::Diagnostic| file.slice(diagnostic.labels[0].span).to_owned();
    let one =
        |diagnostic: &text::Diagnostic| (diagnostic.code.to_owned(), place(diagnostic), diagnostic.message.clone());
    check(&file).iter().map(one).collect()
}

#[test]
fn a_good_manifest_is_read_and_written_out() {
    let file = SourceFile::new("shop.yaml", GOOD);
    let shop = match RestConnector::from_manifest(&file) {
        Ok(shop) => shop,
        Err(mistakes) => panic!("{}", render(&mistakes, &[file], Colour::Never)),
    };
    assert_eq!(shop.resources().collect::<Vec<_>>(), [("orders", "Order")]);
    assert_eq!(shop.limits()[0].max_of(Some("large")), 100);
    assert_eq!(shop.limits()[0].max_of(None), 10);
    assert_eq!(shop.poll_costs("orders")[0][0].limit, "calls");
    let expanded = shop.expanded();
    assert!(expanded.contains("get: /orders") && !expanded.contains("param"), "{expanded}");

    // What is written out is a manifest, and says the same.
    let again = SourceFile::new("again.yaml", expanded);
    let again = RestConnector::from_manifest(&again).unwrap_or_else(|mistakes| {
        panic!("{expanded}\n{}", render(&mistakes, &[again], Colour::Never));
    });
    assert_eq!(again.expanded(), expanded);
    let descriptor = |shop: &RestConnector| std::ptr::from_ref(sdk::Connector::descriptor(shop));
    assert_eq!(descriptor(&shop), descriptor(&again), "an equal descriptor is kept once");
}

#[test]
fn every_mistake_is_told_at_its_place() {
    // What to replace in the good manifest, and with what; the code, the place and a part of the message.
    let cases = [
        ("connector: shop", "flow: shop", "M0101", "", "no connector's manifest"),
        ("connector: shop", "connector: The Shop", "M0105", "The Shop", "lower-case"),
        ("title: A shop", "titel: A shop", "M0102", "titel", "`titel` means nothing in a manifest"),
        ("base_url: https://${config.shop}.example.com\n", "", "M0103", "connector", "a manifest needs `base_url`"),
        ("title: A shop", "title: [a]", "M0104", "[a]", "`title` is text, not a list"),
        ("title: A shop", "min_interval: 5x", "M0105", "5x", "no duration"),
        ("{kind: bearer, ", "{kind: baerer, ", "M0105", "baerer", "`kind` cannot be `baerer`"),
        ("{kind: bearer, ", "{kind: session, ", "M0106", "session", "does not run `kind`: session"),
        ("{kind: bearer, ", "{kind: basic, ", "M0102", "token", "means nothing in this way"),
        (KEY, "{kind: oauth2, grant: implicit}", "M0105", "implicit", "`grant` cannot be `implicit`"),
        (KEY, "{kind: oauth2, grant: authorization_code}", "M0106", "authorization_code", "does not run"),
        (KEY, "{kind: oauth2, grant: refresh_token}", "M0103", "", "needs `refresh_token`"),
        (
            KEY,
            "{kind: oauth2, grant: client_credentials, refresh_token: x}",
            "M0105",
            "refresh_token",
            "has no refresh token",
        ),
        (KEY, "{kind: oauth2, grant: client_credentials, token_url: /t}", "M0103", "", "needs `client_id`"),
        (
            KEY,
            "{kind: oauth2, grant: client_credentials, token_url: \"http://x\"}",
            "M0105",
            "\"http://x\"",
            "begins with `/` or `https://`",
        ),
        (
            KEY,
            "{kind: oauth2, grant: client_credentials, token_url: \"/${secret.token}\"}",
            "M0303",
            "",
            "`secret` is not known",
        ),
        ("default_limits: [calls]", "vars: {site: {get: /s}}", "M0103", "site", "needs `value`"),
        (
            "default_limits: [calls]",
            "vars: {site: {get: \"/${vars.site}\", value: x}}",
            "M0303",
            "",
            "`vars` is not known",
        ),
        ("\"${cursor.value | rfc3339}\"", "\"${vars.site}\"", "M0208", "\"${vars.site}\"", "learns no `site`"),
        ("{kind: token, next", "{kind: lnk, next", "M0105", "lnk", "cannot be `lnk`"),
        ("{kind: token, next", "{kind: keyset, next", "M0106", "keyset", "does not run"),
        ("{kind: token, next: \"${body.next}\"}", "{kind: link}", "M0103", "", "needs `next`"),
        ("\"${body.next}\"", "\"${header.link | rel}\"", "M0304", "", "takes one text"),
        ("use: object", "use: objekt", "M0201", "objekt", "no template `objekt`"),
        ("with: {path: orders}", "with: {path: orders, x: 1}", "M0202", "x", "takes no `x`"),
        ("params: [path]", "params: [path, other]", "M0203", "object", "needs `other`"),
        ("get: /${param.path}", "get: /${param.pfad}", "M0202", "/${param.pfad}", "no parameter `pfad`"),
        ("default_limits: [calls]", "default_limits: [cals]", "M0204", "cals", "no limit `cals`"),
        ("${config.shop}", "${config.shp}", "M0205", "https://${config.shp}.example.com", "no setting `shp`"),
        ("${config.shop}", "${config.token}", "M0205", "https://${config.token}.example.com", "may be shown"),
        ("\"${secret.token}\"", "\"${secret.tken}\"", "M0205", "\"${secret.tken}\"", "no secret `tken`"),
        ("\"${input}\"", "\"${secret.token}\"", "M0303", "\"${secret.token}\"", "`secret` is not known at this place"),
        ("\"${body.next}\"", "\"${body.next\"", "M0301", "${body.next", "never closed"),
        ("\"${body.next}\"", "\"${body..next}\"", "M0302", "body..next", "no reference"),
        ("| rfc3339", "| rfc339", "M0304", "cursor.value | rfc339", "no filter `rfc339`"),
        ("\"${cursor.value | rfc3339}\"", "\"${item.x}\"", "M0303", "\"${item.x}\"", "`item` is not known"),
        ("mode: cursor", "mode: snapsot", "M0105", "snapsot", "cannot be `snapsot`"),
        ("mode: cursor", "mode: snapshot", "M0105", "stamp", "means nothing to a snapshot"),
        ("mode: cursor", "mode: snapshot", "M0303", "\"${cursor.value | rfc3339}\"", "`cursor` is not known"),
        ("mode: cursor", "mode: snapshot\n        by: list", "M0103", "list", "has no `list` to poll by"),
        ("mode: cursor", "mode: snapshot\n        by: search", "M0103", "search", "has no `search` to poll by"),
        ("mode: cursor", "mode: cursor\n        by: list", "M0105", "list", "tells no stamps"),
        ("mode: cursor", "mode: scan\n        by: search", "M0105", "by", "poll by what the resource has"),
        (
            "serves: new_or_updated\n        mode: cursor",
            "serves: archived\n        mode: snapshot",
            "M0105",
            "archived",
            "does not tell what was archived",
        ),
        (
            "serves: new_or_updated\n        mode: cursor",
            "serves: [new, any_stamp]\n        mode: snapshot",
            "M0105",
            "[new, any_stamp]",
            "goes by no stamp",
        ),
        ("serves: new_or_updated", "serves: archvied", "M0105", "archvied", "cannot be `archvied`"),
        ("mode: cursor", "mode: scan\n        order: oldest_first", "M0105", "", "begins with the newest"),
        (
            "    poll:\n",
            "    list: {get: /x, items: \"${body}\", order: id}\n    poll:\n",
            "M0105",
            "id",
            "cannot be `id`",
        ),
        (
            "      - serves: new_or_updated\n",
            "      - {serves: archived, mode: cursor, by: search}\n      - serves: new_or_updated\n",
            "M0105",
            "archived",
            "does not find what was archived",
        ),
        ("mode: cursor", "mode: events", "M0103", "", "where the record stands"),
        ("get: /${param.path}", "get: orders?x=1", "M0105", "orders?x=1", "only a path"),
        (", id: \"${body.id}\", retry", ", retry", "M0103", "create", "`create` needs `id`"),
        ("retry: unsafe", "retry: idempotent", "M0103", "idempotent", "needs `idempotency`"),
        ("status: 5xx", "status: 9xx", "M0105", "9xx", "no status of HTTP"),
        ("{status: 5xx,", "{status: 200,", "M0103", "", "needs `where`"),
        ("is: transient", "is: tranzient", "M0105", "tranzient", "cannot be `tranzient`"),
        ("{\"${body.code}\":", "{code:", "M0302", "code", "is a reference"),
        ("tiers: {large: 100}", "tiers: {huge: 100}", "M0105", "huge", "no tier `huge`"),
        ("max: 10", "max: -1", "M0104", "-1", "whole number"),
        ("retry: unsafe}", "retry: unsafe, post: x}", "F0006", "post", ""),
        ("retry: unsafe}", "retry: unsafe, put: /x}", "M0103", "create", "this has two"),
        (
            "id: \"${record.id}\"",
            "id: \"${record.id}\"\n    scopes: {raed: x}",
            "M0102",
            "raed",
            "means nothing in `scopes`",
        ),
        ("  pack:", "  Pack It:", "M0105", "Pack It", "an action's name is lower-case"),
        ("  pack:", "  upsert:", "M0105", "upsert", "a word `upsert` already"),
        ("retry: safe", "retry: maybe", "M0105", "maybe", "cannot be `maybe`"),
        ("    retry: safe\n", "", "M0103", "pack", "an action needs `retry`"),
        ("post: /orders/${input.order}/pack", "help: x", "M0103", "pack", "needs a request"),
        ("${input.order}", "${input.ordre}", "M0207", "/orders/${input.ordre}/pack", "declares no input `ordre`"),
        ("${input.order}", "x", "M0207", "order", "nothing that the action sends has `order`"),
        ("${input.order}", "${key.value}", "M0303", "/orders/${key.value}/pack", "`key` is not known"),
        ("order: {required", "order: {type: choice, required", "M0105", "choice", "cannot be `choice`"),
        ("{choice: {soft", "{type: text, choice: {soft", "M0105", "choice", "not both"),
        ("{soft: 1, hard: 2}", "[]", "M0104", "[]", "a list of words, or a map"),
        ("{soft: 1, hard: 2}", "{soft: [1]}", "M0104", "[1]", "text or a whole number"),
        ("label: \"${body.label}\"", "label: {vlaue: x}", "M0102", "vlaue", "means nothing in a result"),
        ("label: \"${body.label}\"", "label: \"${input.how}\"", "M0303", "\"${input.how}\"", "`input` is not known"),
        ("static: {name: text,", "static: {name: txt,", "M0105", "txt", "cannot be `txt`"),
    ];
    for (from, to, code, place, says) in cases {
        let manifest = GOOD.replacen(from, to, 1);
        assert_ne!(manifest, GOOD, "{from}");
        let told = told(&manifest);
        let found = told
            .iter()
            .any(|(known, at, message)| known == code && (place.is_empty() || at == place) && message.contains(says));
        assert!(found, "{from} -> {to}: {told:#?}");
    }
    assert_eq!(told(GOOD), []);
}

#[test]
fn several_mistakes_are_told_at_once_and_none_makes_it_panic() {
    let manifest = GOOD.replace("title: A shop", "titel: A shop").replace("use: object", "use: objekt");
    assert_eq!(told(&manifest).len(), 2);
    // One misspelt word was told again by every request that costs something.
    let costly = GOOD
        .replace("get: /me,", "get: /me, limits: [calls],")
        .replace("post: /orders", "limits: [calls]\n    post: /orders");
    assert_eq!(told(&costly), []);
    let mistakes = told(&costly.replace("\nlimits:", "\nlimitz:"));
    assert_eq!(mistakes.iter().map(|(code, ..)| code.as_str()).collect::<Vec<_>>(), ["M0102", "M0204"]);
    // Any line may be missing, and any value may be something else.
    let lines: Vec<&str> = GOOD.lines().collect();
    for at in 0..lines.len() {
        let without: Vec<&str> =
            lines.iter().enumerate().filter(|(line, _)| *line != at).map(|(_, line)| *line).collect();
        told(&without.join("\n"));
        let key = lines[at].split_once(':').map_or(lines[at], |(key, _)| key);
        for value in ["", "null", "5", "[]", "{}", "[{}]", "text", "\"${\"", "{a: {b: c}}"] {
            let mut changed = lines.clone();
            let line = format!("{key}: {value}");
            changed[at] = &line;
            told(&changed.join("\n"));
        }
    }
}
