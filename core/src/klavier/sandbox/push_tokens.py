"""Schema of the push tokens inside subscription bodies."""

from klavier.sandbox.schema import Check, many, nullable, one_of, record, text

_STATES = ("AUTHORIZED", "DENIED", "NOT_DETERMINED", "PROVISIONAL", "UNAUTHORIZED")
_BACKGROUND = ("AVAILABLE", "DENIED", "RESTRICTED")
_SDKS = ("android", "flutter", "flutter_community", "react_native", "swift")
_SYSTEMS = ("android", "ios", "ipados", "macos", "tvos")
_FREE = (
    "device_id",
    "sdk_version",
    "device_model",
    "os_version",
    "manufacturer",
    "app_name",
    "app_version",
    "app_build",
    "app_id",
)


def tokens() -> Check:
    """Accept a list of push tokens."""
    device: dict[str, Check] = dict.fromkeys(_FREE, nullable(text()))
    device |= {
        "klaviyo_sdk": nullable(one_of(*_SDKS)),
        "os_name": nullable(one_of(*_SYSTEMS)),
        "environment": nullable(one_of("debug", "release")),
    }
    token = record(
        "push-token",
        {
            "token": text(),
            "platform": one_of("android", "ios"),
            "vendor": one_of("apns", "fcm"),
            "enablement_status": nullable(one_of(*_STATES)),
            "background": nullable(one_of(*_BACKGROUND)),
            "device_metadata": nullable(record("device_metadata", device)),
        },
        ("token", "platform", "vendor"),
    )
    return many(token, least=0)
