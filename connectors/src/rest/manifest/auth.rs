//! How requests show who we are.

use crate::rest::template::Template;

/// One way to show who we are; the first whose secrets are all there is taken.
#[derive(Debug)]
pub(in crate::rest) struct Auth {
    pub(in crate::rest) kind: AuthKind,
    /// How its secrets begin, as a hint where they are refused.
    pub(in crate::rest) begins: Option<String>,
    /// The secrets that it needs.
    pub(in crate::rest) secrets: Vec<String>,
}

#[derive(Debug)]
pub(in crate::rest) enum AuthKind {
    Bearer(Template),
    Header { name: String, value: Template },
    Query { name: String, value: Template },
    Basic { user: Template, password: Template },
    OAuth2(Box<OAuth2>),
}

/// A token that is asked for, and again before it ends.
#[derive(Debug)]
pub(in crate::rest) struct OAuth2 {
    pub(in crate::rest) grant: Grant,
    /// A path at the service's own address, or an address of its own.
    pub(in crate::rest) token_url: Template,
    pub(in crate::rest) client_id: Template,
    pub(in crate::rest) client_secret: Option<Template>,
    pub(in crate::rest) client_in: ClientIn,
    pub(in crate::rest) scopes: Vec<String>,
    /// What the service wants to be told besides.
    pub(in crate::rest) form: Vec<(String, Template)>,
}

/// By what a token is asked for.
#[derive(Debug)]
pub(in crate::rest) enum Grant {
    /// The app's own credentials.
    ClientCredentials,
    /// What a person gave it once.
    RefreshToken(Template),
}

/// Where the app's id and secret stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rest) enum ClientIn {
    Body,
    Header,
}

impl AuthKind {
    /// Every text with references in it.
    pub(in crate::rest) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Bearer(value) | Self::Header { value, .. } | Self::Query { value, .. } => vec![value],
            Self::Basic { user, password } => vec![user, password],
            Self::OAuth2(oauth) => {
                let mut templates = vec![&oauth.token_url, &oauth.client_id];
                templates.extend(&oauth.client_secret);
                match &oauth.grant {
                    Grant::ClientCredentials => {}
                    Grant::RefreshToken(token) => templates.push(token),
                }
                templates.extend(oauth.form.iter().map(|(_, value)| value));
                templates
            }
        }
    }
}
