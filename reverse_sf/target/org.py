"""The org as one run sees it: its objects, as far as streams name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_sf.errors import ConfigurationError, ReverseSFError
from reverse_sf.salesforce.refusals import UnknownObjectError
from reverse_sf.target.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reverse_sf.salesforce.client import SalesforceClient
    from reverse_sf.target.settings import Settings


class Org:
    """Objects by stream.

    Args:
        client: the org.
        settings: how streams name objects.
    """

    def __init__(self, client: SalesforceClient, settings: Settings) -> None:
        self.client = client
        self._settings = settings
        self._vocabularies: dict[str, Vocabulary] = {}

    def learn(self, streams: Mapping[str, Mapping[str, Any]]) -> None:
        """Describe the objects of streams and check that they have all declared properties.

        What a describe of an earlier run lacks is looked for in one of now.

        Args:
            streams: declared properties by stream.

        Raises:
            ConfigurationError: objects or fields do not exist; all of them at once.
        """
        new = {
            stream: self._settings.object_of(stream)
            for stream in streams
            if stream not in self._vocabularies
        }
        problems: list[str] = []
        for name, answer in self.client.describe_many(new.values()).items() if new else ():
            if isinstance(answer, UnknownObjectError):
                problems.append(
                    f"{name}: Salesforce has no such object, or the user may not see it"
                )
            elif isinstance(answer, ReverseSFError):
                raise answer
            else:
                vocabulary = Vocabulary(answer)
                of_streams = [stream for stream, sobject in new.items() if sobject == name]
                self._vocabularies |= dict.fromkeys(of_streams, vocabulary)
        for stream, properties in streams.items():
            known = self._vocabularies.get(stream)
            if known is not None and known.unknown(properties):
                known = self._anew(known)
            if known is not None:
                problems += [
                    f"{stream}.{name}: {known.sobject} has no such field"
                    for name in known.unknown(properties)
                ]
        if problems:
            raise ConfigurationError("the streams do not fit the org", problems)

    def vocabulary(self, stream: str) -> Vocabulary:
        """The object of a stream that was learned."""
        return self._vocabularies[stream]

    def key_field(self, vocabulary: Vocabulary, *, unique: bool) -> str | None:
        """The configured key field of an object, checked.

        Raises:
            ConfigurationError: it is not there, or is no key.
        """
        name = self._settings.external_id_field(vocabulary.sobject)
        if name is None:
            return None
        try:
            return vocabulary.key(name, unique=unique).name
        except ConfigurationError:
            # Its definition may have been put right since it was described.
            return self._anew(vocabulary).key(name, unique=unique).name

    def _anew(self, vocabulary: Vocabulary) -> Vocabulary:
        """The object as it is now, where an earlier run described it; else as it is known."""
        described = self.client.describe_anew(vocabulary.sobject)
        if described is None:
            return vocabulary
        renewed = Vocabulary(described)
        for stream, known in self._vocabularies.items():
            if known is vocabulary:
                self._vocabularies[stream] = renewed
        return renewed

    def ordered(self, streams: Iterable[str], fields: Mapping[str, Iterable[str]]) -> list[str]:
        """Streams with parents before children, as far as the declared references go in one way.

        Args:
            streams: what to order.
            fields: the fields of each that matter.
        """
        left = list(dict.fromkeys(streams))
        above: dict[str, set[str]] = {}
        for stream in left:
            vocabulary = self._vocabularies[stream]
            parents: set[str] = set()
            for name in fields.get(stream, ()):
                facts = vocabulary.find(name) or vocabulary.relation(name)
                parents |= set(facts.refers_to) if facts is not None else set()
            above[stream] = parents - {vocabulary.sobject}
        done: list[str] = []
        while left:
            waiting = {self._vocabularies[stream].sobject for stream in left}
            free = [stream for stream in left if not above[stream] & waiting]
            done += free or left[:1]
            left = [stream for stream in left if stream not in done]
        return done
