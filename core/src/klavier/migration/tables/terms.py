"""What a Klaviyo destination does, in words that belong to no vendor: one term for each thing that vendors do differently.

A vendor's settings are read as values of these terms, and another vendor's settings are written from them. Where the
two vendors then read differently, the term says what that means in Klaviyo. A term that a vendor does not mention is
None: it does nothing of the kind.

Places are paths in an event as Segment and RudderStack write it: `userId`, `traits.email`, `context.traits.phone`. Of
several places the first that holds something counts. Words in brackets behind a place say what is made of the value.
"""

from typing import Final

from klavier.migration.terms import Term

# fmt: off
_SENT = ("outcomes", "metrics", "people", "identifiers")
"""What changes where an event is sent by one vendor only."""


TERMS: Final = (
    # How events are sent
    Term("connection_mode",   "where events are sent from",                       "Calls of a server carry the private key and every identifier themselves; calls of a browser carry the visitor's cookie instead.", ("*",)),
    Term("wire",              "which of Klaviyo's APIs is used",                  "What one revision of Klaviyo's API accepts, another may refuse.", ("*",)),
    Term("fidelity",          "whether document or implementation is followed",   "The two differ in the points that the vendor's page lists.", ("*",)),
    Term("accounts",          "which Klaviyo account an event goes to",           "All events go to one account; use one configuration for each account, or split the events before.", ("*",)),
    Term("batches",           "whether events are sent in bulk",                        "Klaviyo receives the same data in another number of calls.", (), fine=True),
    # Which events
    Term("identifies",        "whether identify calls are sent",                  "Traits reach Klaviyo only with events.", ("outcomes", "attributes", "location", "properties", "identifiers", "people"), new="Traits reach Klaviyo by identify calls too."),
    Term("tracks",            "which track events are sent",                      "Other events are sent to Klaviyo; a plugin's klavier_transform_event can drop them.", _SENT, without="Track events are no longer sent."),
    Term("page_name",         "what a page view is called",                       "Flows and segments on page views must use the other name.", _SENT, new="Every page view becomes an event in Klaviyo.", without="Page views are no longer sent: flows and segments on them get no new data.", none="not sent"),
    Term("page_properties",   "what the event of a page view carries",       "The event of a page view has other properties.", ("event properties",), within="page_name"),
    Term("screen_name",       "what a screen view is called",                     "Flows and segments on screen views must use the other name.", _SENT, new="Every screen view becomes an event in Klaviyo.", without="Screen views are no longer sent: flows and segments on them get no new data.", none="not sent"),
    Term("screen_properties", "what the event of a screen view carries",           "The event of a screen view has other properties.", ("event properties",), within="screen_name"),
    Term("group",             "what a group call does",                           "A group call does something else in Klaviyo.", ("outcomes", "lists", "consent", "attributes", "people", "identifiers"), new="Group calls begin to change profiles in Klaviyo.", without="Group calls change nothing in Klaviyo any more."),
    Term("switches",          "what can turn Klaviyo off for one event",          "The switch in the event is ignored: such an event is sent.", _SENT, new="Events that turn Klaviyo off are skipped.", none="nothing"),
    Term("libraries",         "which libraries' messages a server sends",                    "Messages that the old vendor left to the browser are sent by the server too: an event may count twice where both run.", _SENT, fine=True, new="Messages of browsers are skipped.", none="any library's"),
    # Names of events
    Term("order_name",        "what a completed order is called",                 "Flows, segments and reports on the old metric get no new data; they must use the new one.", ("metrics",), new="Orders that were sent under another spelling get this name; flows and segments on the old one get no new data.", without="The order keeps the name that it was sent under: flows and segments on another one get no new data.", none="its own name"),
    Term("order_spellings",   "which names mean a completed order",               "An order under another spelling is sent like any event.", ("metrics", "event properties", "value", "unique id"), fine=True, within="order_name"),
    Term("order_properties",  "what the products of an order are called",         "Templates that loop over the products must use the other names.", ("event properties",), without="Templates that loop over Items must loop over the event's own products.", new="The order lists its products under Klaviyo's names too."),
    Term("order_repeats",     "whether an order repeats its products under their own names", "The event of an order has more or fewer properties.", ("event properties",), fine=True, within="order_name"),
    Term("product_events",    "the event for each product of an order",           "Flows on a single product must use the other name.", ("metrics",), without="No event is made for a product: flows and segments on single products get no new data.", new="Each product of an order becomes an event of its own.", none="none"),
    Term("product_properties", "what the event of a product contains",                "Templates of flows on single products must use the other names.", ("event properties",), within="product_events"),
    Term("product_shares",    "whether the event of a product repeats the order's properties", "The events of products have more or fewer properties.", ("event properties",), fine=True, within="product_events"),
    Term("product_value",     "what a product's event is worth",                  "Revenue by product cannot be read from the value of those events.", ("value",), new="The events of products have a value: a report that sums them and the orders counts revenue twice.", within="product_events"),
    Term("product_id",        "the unique id of a product's event",               "The same order sent by both vendors makes two events for each product: do not send one period twice.", ("unique id",), fine=True, within="product_events"),
    Term("renames",           "events with another name in Klaviyo",              "Flows, segments and reports on the old name get no new data; they must use the new one.", ("metrics", "event properties"), each=True, none="its own name"),
    Term("renamed_properties", "properties of those events",                      "Templates and segments must use the other names.", ("event properties", "value", "unique id"), each=True, within="renames"),
    Term("renames_repeat",    "whether a renamed property is repeated under its own name", "Such an event has more or fewer properties.", ("event properties",), fine=True, within="renames"),
    Term("renames_spellings", "how exactly those events must be spelled",         "Other spellings, such as in lower case, are sent under their own name.", ("metrics", "event properties", "value", "unique id"), fine=True, within="renames"),
    # What an event contains
    Term("allowed",           "which properties and traits may be sent",            "All properties and traits are sent, also those that were left out before: remove them in a plugin's klavier_transform_event.", ("event properties", "attributes", "location", "properties", "identifiers", "people")),
    Term("masks",             "whether ids are masked",                           "Plain ids are sent to Klaviyo: they create new profiles there, and a privacy promise may be broken.", ("identifiers", "people", "properties"), new="Ids are sent to Klaviyo masked: they create new profiles there."),
    Term("flatten",           "whether nested properties are flattened",          "Segments and templates must use the other form of nested properties.", ("event properties", "properties"), none="no"),
    Term("value",             "what an event is worth",                           "The value of some events changes or is missing: revenue reports change from then on.", ("value", *_SENT), without="Events have no value any more: revenue reports show nothing new.", new="Events get a value from these properties: revenue reports begin to count them."),
    Term("order_value",       "what an order is worth",                           "The value of some orders changes: revenue reports change from then on.", ("value", *_SENT), without="Orders have no value any more: revenue reports show nothing new.", new="Orders get a value from these properties."),
    Term("value_text",        "what becomes of a value that is no plain number",  "An order with such a value counts differently.", ("value", "event properties", *_SENT), fine=True, within="value"),
    Term("currency",          "where the currency of the value is taken from",    "Klaviyo reads values as amounts in the account's own currency.", ("currency",), new="Klaviyo converts values from that currency.", none="nowhere"),
    Term("omits",             "properties that are left out because they are sent elsewhere", "Segments and templates on these properties see more or less.", ("event properties",), each=True),
    Term("event_id",          "the unique id of an event",                        "Klaviyo takes the same event, sent by both vendors, for two: do not send one period twice.", ("unique id",), fine=True),
    Term("dates",             "how dates are written",                            "Dates keep the form in which they were sent; date conditions in segments work on both forms.", ("event properties", "properties"), fine=True, new="Dates are written in another form; conditions on their text may no longer match.", none="as they are"),
    Term("nulls",             "what becomes of null",                             "A trait of null leaves or removes a property where it did not.", ("event properties", "properties"), fine=True, none="sent"),
    # Profiles
    Term("user_id",           "what the user id becomes",                         "Profiles are identified by another id: one may become two, or two may become one; events without any identifier are not sent.", ("properties", *_SENT)),
    Term("user_id_places",    "where the user id is taken from",                  "Events without a userId may be sent for another profile.", ("identifiers", "people"), fine=True),
    Term("anonymous_id",      "what the anonymous id becomes",                    "Visitors without a user id are identified by another id.", _SENT, without="Events of visitors without a user id, e-mail address or phone number are no longer sent.", new="Visitors become profiles before they are identified; profiles may cost money.", none="nothing"),
    Term("required",          "what an event needs to be sent",                   "Some events are sent that were not, or the other way round.", _SENT),
    Term("bare_events",       "whether an event without properties is sent",      "Such events are no longer sent, or begin to be sent.", _SENT, fine=True, none="sent"),
    Term("attributes",        "profile attributes of an identify call",           "What is no longer an attribute is a custom property; segments must use that.", ("attributes", "location", "properties", "identifiers", "people", "lists", "consent"), each=True),
    Term("event_attributes",  "profile attributes inside an event",               "Events set more or fewer attributes of the profile.", ("attributes", "location", "properties", "identifiers", "people"), each=True),
    Term("custom_from",       "where custom properties of an identify call come from", "Profiles get more or fewer custom properties.", ("properties",), without="Traits without a place of their own are lost: profiles get no custom properties any more."),
    Term("custom_without",    "traits that are no custom properties",             "These traits are custom properties on one side only.", ("properties",), each=True, fine=True, within="custom_from"),
    Term("custom_id",         "the custom property that holds the user id",       "Segments on that property get no new profiles.", ("properties",), new="Profiles get one more custom property."),
    Term("event_custom_from", "whether an event carries the profile's traits",     "Traits reach Klaviyo by events too, or only by identify calls.", ("properties",), new="The traits in an event are set on the profile too.", without="Events no longer set traits on the profile: only identify calls do."),
    Term("spelling",          "how freely a name may be spelled",                 "Traits and properties in other spellings, such as First Name, stay custom properties.", ("attributes", "location", "properties", "value", "unique id", "identifiers", "people"), fine=True, none="exactly", new="Names in other spellings, such as First Name, are recognized too."),
    Term("contact",           "what becomes of an event with a bad address or number", "An event with a phone number that is not in E.164 form, or a bad address, is lost as a whole, or only the number is.", _SENT),
    Term("patches",           "whether an event can unset, append and unappend",  "Such commands in events are ignored.", ("properties",), fine=True, new="Such commands in events are executed."),
    # Lists and consent
    Term("list_id",           "the list that identified profiles are added to",       "Profiles are added to another list, or to none.", ("lists", "consent"), none="no list"),
    Term("list_places",       "where an event names another list",                "A list that is named there is ignored.", ("lists", "consent"), within="joins", new="A list that the event names is used instead of the other."),
    Term("list_needs",        "what a profile needs to be added to a list",          "More or fewer profiles are added to the list.", ("lists",), fine=True, within="joins"),
    Term("joins",             "how an identified profile is added to the list",      "Profiles are asked for confirmation, subscribed or added in another way: check that you have their consent.", ("lists", "consent", *_SENT), each=True, without="Identify calls no longer add profiles to a list.", new="Identified profiles are added to lists: check that you have their consent."),
    Term("confirm_place",     "where an event decides whether to ask for confirmation", "An event can no longer decide about the confirmation.", ("lists", "consent"), new="An event can decide about the confirmation.", within="joins"),
    Term("consent",           "the channels that subscribing is for",             "Profiles are subscribed to other channels: check that you have their consent.", ("consent",), within="joins"),
    Term("sms_consent",       "whether subscribing covers text messages",         "Profiles are subscribed to text messages differently: check that you have their consent.", ("consent",), within="joins"),
    Term("consent_places",    "where an event names its channels",                "Channels that are named there are ignored.", ("consent",), within="joins", new="The channels that an event names are used."),
    Term("channels_missing",  "what becomes of a subscription without a channel", "Profiles without a known consent are subscribed by one vendor only.", ("outcomes", "consent", "lists", "people", "identifiers"), fine=True, within="joins"),
    Term("group_joins",       "what a group call does with the list that it names", "Group calls subscribe, unsubscribe or add profiles in another way.", ("lists", "consent"), each=True, within="group"),
    Term("source",            "the source of a consent",                          "Klaviyo shows another source beside new subscriptions.", ("consent",), fine=True, new="Klaviyo shows a source beside new subscriptions.", within="joins"),
    Term("subscribe_events",  "track events that subscribe and unsubscribe",      "These events are sent like any other, and no longer subscribe or unsubscribe a profile.", ("consent", "lists", "metrics", "outcomes"), each=True, new="These events subscribe or unsubscribe a profile, and are not sent as events."),
    Term("audiences",         "whether profiles join and leave the lists of Engage audiences", "Profiles no longer join or leave the list of an audience.", ("lists", "metrics", "outcomes", "attributes", "properties", "location"), new="Profiles join and leave the lists of audiences."),
    Term("audience_list",     "the list of audiences that name none",             "The profiles of such an audience are on no list.", ("lists",), fine=True, within="audiences"),
)
# fmt: on
"""Every term: its name, what it asks, what a difference means in Klaviyo, and the parts of an account it touches."""
