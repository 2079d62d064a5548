//! The properties that every account has, and a few that this account's people made.
//!
//! A line is `name | label | type/fieldType | flags | options`. Flags: `ro` read-only value, `calc` calculated,
//! `unique` one record per value, `own` made by the account's people, `owner` choices are the account's owners.

use std::sync::Arc;

use sdk::Timestamp;

use super::definitions::{Definitions, Property, PropertyOption, PropertyType};
use super::kinds::Object;

/// The stages in the order in which a record may move through them.
pub(super) const LIFECYCLE_STAGES: [&str; 8] = [
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];

const STAGES: &str = "subscriber=Subscriber;lead=Lead;marketingqualifiedlead=Marketing Qualified Lead;\
    salesqualifiedlead=Sales Qualified Lead;opportunity=Opportunity;customer=Customer;evangelist=Evangelist;other=Other";

const LEAD_STATUSES: &str = "NEW=New;OPEN=Open;IN_PROGRESS=In Progress;OPEN_DEAL=Open Deal;UNQUALIFIED=Unqualified;\
    ATTEMPTED_TO_CONTACT=Attempted to Contact;CONNECTED=Connected;BAD_TIMING=Bad Timing";

const CONTACTS: &str = "
    email | Email | string/text | |
    firstname | First Name | string/text | |
    lastname | Last Name | string/text | |
    salutation | Salutation | string/text | |
    phone | Phone Number | string/phonenumber | |
    mobilephone | Mobile Phone Number | string/phonenumber | |
    hs_additional_emails | Additional email addresses | string/text | |
    company | Company Name | string/text | |
    jobtitle | Job Title | string/text | |
    website | Website URL | string/text | |
    address | Street Address | string/text | |
    city | City | string/text | |
    state | State/Region | string/text | |
    zip | Postal Code | string/text | |
    country | Country/Region | string/text | |
    message | Message | string/textarea | |
    date_of_birth | Date of birth | string/text | |
    annualrevenue | Annual Revenue | string/text | |
    hs_language | Preferred language | enumeration/select | | en=English;de=German;fr=French;es=Spanish;pt-br=Portuguese - Brazil
    lifecyclestage | Lifecycle Stage | enumeration/radio | | STAGES
    hs_lead_status | Lead Status | enumeration/radio | | LEADS
    hubspot_owner_id | Contact owner | enumeration/select | owner |
    closedate | Close Date | datetime/date | |
    createdate | Create Date | datetime/date | ro |
    lastmodifieddate | Last Modified Date | datetime/date | ro |
    hs_lastmodifieddate | Last Modified Date (objects) | datetime/date | ro |
    hs_object_id | Record ID | number/number | ro |
    hs_merged_object_ids | Merged record IDs | enumeration/checkbox | ro |
    hs_email_domain | Email Domain | string/text | ro |
    num_associated_deals | Number of Associated Deals | number/number | ro |
    hs_searchable_calculated_phone_number | Searchable phone number | string/calculation_equation | ro calc |
    hs_is_contact | Is a contact | bool/booleancheckbox | ro calc | true=Yes;false=No
    customer_number | Customer Number | string/text | own unique |
    renewal_date | Renewal Date | date/date | own |
    loyalty_points | Loyalty Points | number/number | own |
    newsletter | Newsletter | bool/booleancheckbox | own | true=Yes;false=No
    interests | Interests | enumeration/checkbox | own | hiking=Hiking;sailing=Sailing;chess=Chess;cooking=Cooking";

const COMPANIES: &str = "
    name | Company name | string/text | |
    domain | Company Domain Name | string/text | |
    website | Website URL | string/text | |
    phone | Phone Number | string/phonenumber | |
    description | Description | string/textarea | |
    address | Street Address | string/text | |
    city | City | string/text | |
    state | State/Region | string/text | |
    zip | Postal Code | string/text | |
    country | Country/Region | string/text | |
    industry | Industry | enumeration/select | | ACCOUNTING=Accounting;COMPUTER_SOFTWARE=Computer Software;CONSTRUCTION=Construction;FARMING=Farming;FOOD_PRODUCTION=Food Production;MACHINERY=Machinery
    type | Type | enumeration/select | | PROSPECT=Prospect;PARTNER=Partner;RESELLER=Reseller;VENDOR=Vendor;OTHER=Other
    numberofemployees | Number of Employees | number/number | |
    annualrevenue | Annual Revenue | number/number | |
    founded_year | Year Founded | string/text | |
    is_public | Is Public | bool/booleancheckbox | | true=Yes;false=No
    lifecyclestage | Lifecycle Stage | enumeration/radio | | STAGES
    hs_lead_status | Lead Status | enumeration/radio | | LEADS
    hubspot_owner_id | Company owner | enumeration/select | owner |
    closedate | Close Date | datetime/date | |
    createdate | Create Date | datetime/date | ro |
    hs_lastmodifieddate | Last Modified Date | datetime/date | ro |
    hs_object_id | Record ID | number/number | ro |
    hs_merged_object_ids | Merged record IDs | enumeration/checkbox | ro |
    num_associated_contacts | Number of Associated Contacts | number/number | ro |
    hs_searchable_calculated_phone_number | Searchable phone number | string/calculation_equation | ro calc |
    erp_number | ERP Number | string/text | own unique |
    contract_end | Contract End | date/date | own |";

const DEALS: &str = "
    dealname | Deal Name | string/text | |
    dealstage | Deal Stage | enumeration/radio | | appointmentscheduled=Appointment Scheduled;qualifiedtobuy=Qualified To Buy;contractsent=Contract Sent;closedwon=Closed Won;closedlost=Closed Lost
    pipeline | Pipeline | enumeration/select | | default=Sales Pipeline
    dealtype | Deal Type | enumeration/radio | | newbusiness=New Business;existingbusiness=Existing Business
    amount | Amount | number/number | |
    description | Deal Description | string/textarea | |
    hubspot_owner_id | Deal owner | enumeration/select | owner |
    closedate | Close Date | datetime/date | |
    createdate | Create Date | datetime/date | ro |
    hs_lastmodifieddate | Last Modified Date | datetime/date | ro |
    hs_object_id | Record ID | number/number | ro |
    hs_merged_object_ids | Merged record IDs | enumeration/checkbox | ro |";

const TICKETS: &str = "
    subject | Ticket name | string/text | |
    content | Ticket description | string/textarea | |
    hs_pipeline | Pipeline | enumeration/select | | 0=Support Pipeline
    hs_pipeline_stage | Ticket status | enumeration/select | | 1=New;2=Waiting on contact;3=Waiting on us;4=Closed
    hs_ticket_priority | Priority | enumeration/select | | LOW=Low;MEDIUM=Medium;HIGH=High
    hs_ticket_category | Category | enumeration/checkbox | | PRODUCT_ISSUE=Product Issue;BILLING_ISSUE=Billing Issue;FEATURE_REQUEST=Feature Request;GENERAL_INQUIRY=General Inquiry
    hubspot_owner_id | Ticket owner | enumeration/select | owner |
    createdate | Create Date | datetime/date | ro |
    hs_lastmodifieddate | Last Modified Date | datetime/date | ro |
    hs_object_id | Record ID | number/number | ro |
    hs_merged_object_ids | Merged record IDs | enumeration/checkbox | ro |";

const NOTES: &str = "
    hs_timestamp | Activity date | datetime/date | |
    hs_note_body | Note body | string/html | |
    hs_attachment_ids | Attached files | string/text | |
    hubspot_owner_id | Activity owner | enumeration/select | owner |
    hs_createdate | Create Date | datetime/date | ro |
    hs_lastmodifieddate | Last Modified Date | datetime/date | ro |
    hs_object_id | Record ID | number/number | ro |
    hs_merged_object_ids | Merged record IDs | enumeration/checkbox | ro |";

/// The definitions an account begins with.
pub(super) fn default_definitions(object: Object, at: Timestamp) -> Definitions {
    let kind = object.kind();
    let lines = match kind.plural {
        "contacts" => CONTACTS,
        "companies" => COMPANIES,
        "deals" => DEALS,
        "notes" => NOTES,
        _ => TICKETS,
    };
    let group = format!("{}information", kind.singular);
    let properties = lines
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| property(line, &group, at))
        .map(|property| (property.name.clone(), property))
        .collect();
    Definitions { properties, groups: [(group, format!("{} information", kind.title))].into() }
}

fn property(line: &str, group: &str, at: Timestamp) -> Property {
    let mut cells = line.split('|').map(str::trim);
    let mut cell = || cells.next().unwrap_or_default();
    let (name, label, types, flags, options) = (cell(), cell(), cell(), cell(), cell());
    let (data_type, field_type) = types.split_once('/').unwrap_or((types, "text"));
    let has = |flag: &str| flags.split(' ').any(|word| word == flag);
    let options = match options {
        "STAGES" => STAGES,
        "LEADS" => LEAD_STATUSES,
        written => written,
    };
    Property {
        name: Arc::from(name),
        label: label.to_owned(),
        data_type: PropertyType::parse(data_type).unwrap_or(PropertyType::String),
        field_type: field_type.to_owned(),
        group: group.to_owned(),
        description: String::new(),
        options: options
            .split(';')
            .filter_map(|option| option.split_once('='))
            .map(|(value, label)| PropertyOption { label: label.trim().to_owned(), value: value.trim().to_owned() })
            .collect(),
        read_only: has("ro"),
        calculated: has("calc"),
        unique: has("unique"),
        built_in: !has("own"),
        external_options: has("owner"),
        hidden: false,
        form_field: !has("ro"),
        archived: false,
        created_at: at,
        updated_at: at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_becomes_the_property_it_says() {
        for object in Object::all() {
            let definitions = default_definitions(object, Timestamp::EPOCH);
            for default in object.kind().defaults.iter().chain(object.kind().searched) {
                assert!(definitions.get(default).is_some(), "{} lacks {default}", object.kind().plural);
            }
            for property in definitions.properties.values() {
                assert!(!property.label.is_empty() && !property.name.contains(' '), "{property:?}");
            }
        }
        let contacts = default_definitions(Object(0), Timestamp::EPOCH);
        let stage = contacts.get("lifecyclestage").expect("a default property");
        let values: Vec<&str> = stage.options.iter().map(|option| option.value.as_str()).collect();
        assert_eq!(values, LIFECYCLE_STAGES);
        let number = contacts.get("customer_number").expect("a property of this account");
        assert!(number.unique && !number.built_in && number.is_writable());
        assert!(!contacts.get("hs_object_id").expect("a default property").is_writable());
    }
}
