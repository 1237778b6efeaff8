"""English function words, by kind.

The principle: words of the closed classes, to which speakers add none and which tie other words together rather than
name something. Adverbs (then, very), numerals, interjections, and participles used as prepositions (including) stay
out. A spelling of several classes stands here where a closed class is among its common uses (that, like, may), and
spelling alone decides: `May` and `US` count too.
"""

BY_KIND = {
    "determiners": """
        a an the this that these those each every either neither some any no all both such other another
        many much more most few fewer several less enough what which whatever whichever
        my your his her its our their whose
    """,
    "pronouns": """
        i me mine myself you yours yourself yourselves he him himself she hers herself it itself
        we us ours ourselves they them 'em theirs themselves there who whom whoever
        somebody someone something anybody anyone anything everybody everyone everything nobody nothing none
    """,
    "prepositions": """
        about above across after against along alongside amid among amongst around at before behind below beneath beside
        besides between beyond by despite down during except for from in inside into like near of off on onto out
        outside over per through throughout till to toward towards under underneath unlike until up upon via with
        within without
    """,
    "conjunctions": """
        and but or nor so yet if unless although though because since while whilst whereas whether as than lest
        when whenever where wherever why how
    """,
    "auxiliaries": """
        be am is are was were been being have has had having do does did
        can cannot could may might must shall should will would ought won't shan't
    """,
    "particles": "not",
    # What tokenisations split off (Tim 's, did n't), and what WikiText's leaves before 't; `won` is mostly a verb.
    "pieces": """
        's 'm 're 've 'll 'd 't n't
        ain aren couldn didn doesn don hadn hasn haven isn mustn needn shouldn wasn weren wouldn
    """,
}
FUNCTION_WORDS = frozenset(" ".join(BY_KIND.values()).split())
"""In lower case, with straight apostrophes."""
