"""What happened, in words that a customer understands: a sentence in English and German for every step of every table.

A step is named by its document and its step: `order confirm`, `run start`. What the braces stand for is filled in by the timeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

LANGUAGES = ("en", "de")
_MONTHS = {
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    "de": ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
}
_WORDS = {
    # the order
    "order place": ("We received your order.", "Wir haben Ihren Auftrag erhalten."),
    "order place a part": ("This order is a part of your order {name}.", "Dieser Auftrag ist ein Teil Ihres Auftrags {name}."),
    "order confirm": ("We confirmed your order.", "Wir haben Ihren Auftrag bestätigt."),
    "order change": ("Your order was changed: {changes}.", "Ihr Auftrag wurde geändert: {changes}."),
    "order split": ("A part of it goes on as order {name}.", "Ein Teil davon wird als Auftrag {name} weitergeführt."),
    "order absorb": ("Your order {name} was added to it.", "Ihr Auftrag {name} wurde hinzugefügt."),
    "order merge": ("It goes on as order {name}.", "Er wird als Auftrag {name} weitergeführt."),
    "order cancel": ("The order was cancelled.", "Der Auftrag wurde storniert."),
    "order allocate": ("Goods from our stock were reserved for you.", "Ware aus unserem Lager wurde für Sie reserviert."),
    "order free": ("A reservation for you was given back.", "Eine Reservierung für Sie wurde aufgehoben."),
    "order swap": ("Your goods come from other batches now.", "Ihre Ware kommt jetzt aus anderen Chargen."),
    "order pick": ("Your goods were taken from the shelf and packed.", "Ihre Ware wurde kommissioniert."),
    "order unpick": ("Your goods were unpacked again.", "Ihre Ware wurde wieder ausgepackt."),
    "order ship": ("{amounts} left our house{how}.", "{amounts} hat unser Haus verlassen{how}."),
    "order return": ("{amounts} came back to us.", "{amounts} kam zu uns zurück."),
    "order hold": ("It waits until something is cleared up.", "Er wartet, bis etwas geklärt ist."),
    "order release": ("That is cleared up: it goes on.", "Das ist geklärt: Er geht weiter."),
    "order close": ("The rest of the order was cancelled.", "Der Rest des Auftrags wurde gestrichen."),
    "order reopen": ("The order goes on.", "Der Auftrag wird fortgesetzt."),
    # its offer
    "quote quote": ("We sent you an offer.", "Wir haben Ihnen ein Angebot gemacht."),
    "quote accept": ("You accepted our offer.", "Sie haben unser Angebot angenommen."),
    "quote withdraw": ("Our offer was withdrawn.", "Unser Angebot wurde zurückgezogen."),
    "quote expire": ("Our offer has run out.", "Unser Angebot ist abgelaufen."),
    # what is made for it
    "run propose": ("We keep time and materials free for {item}.", "Wir halten Zeit und Material für {item} frei."),
    "run plan": ("The making of {item} is planned.", "Die Herstellung von {item} ist geplant."),
    "run withdraw": ("What we kept free for {item} was given back.", "Was für {item} freigehalten wurde, ist wieder vergeben."),
    "run change": ("We make another amount of {item} at once.", "Wir stellen eine andere Menge {item} auf einmal her."),
    "run split": ("{item} is made in several batches.", "{item} wird in mehreren Chargen hergestellt."),
    "run merge": ("{item} is made together with that for others.", "{item} wird zusammen mit anderen Aufträgen hergestellt."),
    "run reschedule": ("The making of {item} begins on {day}.", "Die Herstellung von {item} beginnt am {day}."),
    "run allocate": ("Materials for {item} were reserved.", "Material für {item} wurde reserviert."),
    "run free": ("Materials for {item} were given back.", "Material für {item} wurde wieder frei."),
    "run release": ("The making of {item} was prepared.", "Die Herstellung von {item} ist vorbereitet."),
    "run replan": ("The making of {item} is planned anew.", "Die Herstellung von {item} wird neu geplant."),
    "run start": ("We began to make {item}.", "Wir haben mit der Herstellung von {item} begonnen."),
    "run cancel": ("The planned making of {item} was cancelled.", "Die geplante Herstellung von {item} entfällt."),
    "run issue": ("More material for {item} was brought.", "Für {item} wurde weiteres Material geholt."),
    "run give_back": ("Material for {item} was left over.", "Von {item} blieb Material übrig."),
    "run scrap": ("Material for {item} was spoiled.", "Für {item} wurde Material unbrauchbar."),
    "run report": ("A part of {item} was finished.", "Ein Teil von {item} ist fertig."),
    "run operate": ("A step of making {item} was done.", "Ein Arbeitsgang für {item} ist erledigt."),
    "run complete": ("{item} was finished.", "{item} ist fertig."),
    "run stop": ("The making of {item} was ended early.", "Die Herstellung von {item} wurde vorzeitig beendet."),
    "run reverse": ("What was made of {item} was taken back.", "Die Herstellung von {item} wurde zurückgenommen."),
    "run reverse a part": (
        "A part of what was made of {item} was taken back.", "Ein Teil der Herstellung von {item} wurde zurückgenommen.",
    ),
    "run use": ("More was used for {item} than we wrote down at first.", "Für {item} wurde nachträglich Verbrauch gebucht."),
    "run close": ("The records of {item} were closed.", "Das Protokoll zu {item} ist abgeschlossen."),
    "run reopen": ("The records of {item} were opened again.", "Das Protokoll zu {item} wurde wieder geöffnet."),
    # what is bought for it
    "purchase order": ("{item} was ordered from our supplier.", "{item} wurde bei unserem Lieferanten bestellt."),
    "purchase receive": ("{item} came from our supplier.", "{item} kam von unserem Lieferanten."),
    "purchase change": ("Our order for {item} was changed.", "Unsere Bestellung von {item} wurde geändert."),
    "purchase reschedule": ("Our supplier now brings {item} on {day}.", "Unser Lieferant bringt {item} nun am {day}."),
    "purchase close": ("All of {item} has come from our supplier.", "Unser Lieferant hat {item} vollständig geliefert."),
    "purchase cancel": ("Our order for {item} was cancelled.", "Unsere Bestellung von {item} wurde storniert."),
    # the lots that are kept for it
    "lot wait": ("{item} waits for its examination.", "{item} wartet auf die Prüfung."),
    "lot hold": ("{item} is being examined.", "{item} wird geprüft."),
    "lot release": ("{item} was released.", "{item} wurde freigegeben."),
    "lot reject": ("{item} did not pass our examination.", "{item} hat unsere Prüfung nicht bestanden."),
    "lot declare": ("{item} was analysed.", "{item} wurde analysiert."),
    "lot extend": ("{item} was examined again and keeps longer.", "{item} wurde nachgeprüft und ist länger haltbar."),
    # its way
    "shipment ship": ("{amounts} left our house{how}.", "{amounts} hat unser Haus verlassen{how}."),
    "shipment pack": ("Your goods were put into parcels.", "Ihre Ware wurde in Pakete gepackt."),
    "shipment track": ("Our carrier says: {said}.", "Der Paketdienst meldet: {said}."),
    "shipment deliver": ("{amounts} arrived.", "{amounts} ist angekommen."),
    # parts of sentences, and how things stand
    "promised": ("We promised it for {day}.", "Zugesagt ist der {day}."),
    "carrier": (" with {carrier}", " mit {carrier}"),
    "tracking": (", tracking number {tracking}", ", Sendungsnummer {tracking}"),
    "expected": ("We expect it at yours on {day}.", "Wir erwarten die Ankunft bei Ihnen am {day}."),
    "unknown": ("We cannot tell yet when it will arrive.", "Wir können noch nicht sagen, wann die Ware ankommt."),
    "late": ("That is later than promised; we are sorry.", "Das ist später als zugesagt; es tut uns leid."),
    "nothing": ("nothing", "nichts"),
    "requested": ("requested date", "Wunschtermin"),
    "shipping": ("shipping", "Versandart"),
    "ship_to": ("address", "Anschrift"),
    "now": ("Now: {status}.", "Stand: {status}."),
}  # fmt: skip
SENTENCES: Mapping[str, Mapping[str, str]] = {
    language: {name: words[place] for name, words in _WORDS.items()} for place, language in enumerate(LANGUAGES)
}
"""Per language, what every step is called."""
_FOR_US = {"order allocate", "order free", "order swap", "order hold", "order release"}
FOR_CUSTOMERS = frozenset(
    {name for name in _WORDS if name.startswith(("order ", "quote ", "shipment "))} - _FOR_US
    | {"run start", "run report", "run complete", "run stop", "run reverse", "run reverse a part", "run reschedule"}
    | {"purchase reschedule", "lot hold", "lot release", "lot reject"}
)
"""What a customer wants to hear; the rest is told with `everything`."""


def day_in(day: date, language: str) -> str:
    """A day as people write it.

    >>> day_in(date(2026, 3, 9), "de"), day_in(date(2026, 3, 9), "en")
    ('9. März 2026', '9 March 2026')
    """
    point = "." if language == "de" else ""
    return f"{day.day}{point} {_MONTHS[language][day.month - 1]} {day.year}"
