"""Our own list of sentences, with paraphrases and false friends.

A false friend shares more words with the sentence than the paraphrase, but has
another topic. A sentence on the same topic that says the opposite ("The film
was terribly exciting" and "terribly boring") is often nearer than the
paraphrase: these vectors encode topics, not truth.
"""

PARAPHRASES = [
    (
        "How do I reset my password?",
        "I forgot my login code; what can I do to get a new one?",
        "How do I reset my watch?",
    ),
    (
        "The doctor told him to stop smoking.",
        "His physician advised him to give up cigarettes.",
        "The doctor told him to stop the car.",
    ),
    (
        "The bank raised its interest rates.",
        "Borrowing from the lender now costs more.",
        "The river rose above its bank.",
    ),
    (
        "She bought a new car yesterday.",
        "The day before, she purchased an automobile.",
        "She sold a new book yesterday.",
    ),
    (
        "The train to Berlin was cancelled.",
        "The rail service to Berlin did not run.",
        "The train of her dress was torn in Berlin.",
    ),
    (
        "He is afraid of spiders.",
        "Arachnids frighten him.",
        "He is proud of his garden.",
    ),
    (
        "Heavy rain flooded the village.",
        "The little town was under water after a downpour.",
        "Heavy metal was played in the village.",
    ),
    (
        "The company dismissed two hundred workers.",
        "The firm laid off 200 employees.",
        "Two hundred workers enjoyed the company of friends.",
    ),
    (
        "My phone's battery runs out too quickly.",
        "My mobile has to be charged all the time.",
        "My phone's screen is too small.",
    ),
    (
        "The children were playing in the garden.",
        "Kids had fun in the backyard.",
        "The flowers were growing in the garden.",
    ),
    (
        "The film was terribly boring.",
        "I nearly fell asleep, so dull was that movie.",
        "The film of oil was terribly thin.",
    ),
    (
        "A thief stole her handbag.",
        "Someone robbed her of her purse.",
        "A friend gave her a handbag.",
    ),
    (
        "The court found the man guilty of murder.",
        "A jury convicted him of killing someone.",
        "The man found the court near the park.",
    ),
    (
        "The price of oil fell sharply.",
        "Crude oil became much cheaper.",
        "The price of bread rose sharply.",
    ),
    (
        "Where is the nearest hospital?",
        "Which clinic is closest to here?",
        "Where is the nearest restaurant?",
    ),
    (
        "The plane landed safely despite the storm.",
        "In spite of bad weather the aircraft touched down without harm.",
        "The plane was sold despite the price.",
    ),
    (
        "Scientists discovered a new planet.",
        "Astronomers have found a previously unknown world.",
        "Scientists discovered a new medicine.",
    ),
    (
        "The team won the championship.",
        "They took the title this season.",
        "The team hired a new manager.",
    ),
    (
        "I would like a cup of coffee.",
        "Could you bring me an espresso, please?",
        "I would like a piece of advice.",
    ),
    (
        "The museum is closed on Mondays.",
        "On Mondays the gallery does not open its doors.",
        "The left lane of the road is closed.",
    ),
]
