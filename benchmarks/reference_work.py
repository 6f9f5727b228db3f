"""What both sides of the reference's benchmark are given to do."""

TOKENS = 64  # of every answer; the prompts ask for more
CHATS = [
    f"Write a long story about {subject}."
    for subject in (
        "a dog",
        "a lighthouse keeper and his daughter",
        "rain",
        "two friends who build a boat out of an old piano and sail around the world",
        "the last train of the year",
        "a baker",
        "a quiet town near the river, where every house has a clock that is wrong",
        "winter in the mountains",
    )
]
TEXTS = [
    f"Document {i}: the quiet library near the river keeps every letter of the village"
    + ", and a reader comes on Mondays" * (i % 4)
    for i in range(320)
]
CONCURRENCY, BATCH = 32, 32  # of the embeddings row
