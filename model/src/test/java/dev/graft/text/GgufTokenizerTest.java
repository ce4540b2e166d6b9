package dev.graft.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Models;
import dev.graft.gguf.GgufValue;
import dev.graft.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class GgufTokenizerTest {
  @TempDir Path folder;

  /** A file of nothing but what a model's directory says of its tokenizer. */
  private Path file(Map<String, GgufValue> metadata) throws IOException {
    Path file = folder.resolve("vocabulary.gguf");
    try (GgufWriter writer =
        GgufWriter.create(
            file,
            metadata,
            List.of(new GgufWriter.Declared("one", dev.graft.gguf.GgmlType.F32, List.of(1L))))) {
      writer.commit();
    }
    return file;
  }

  /** Prose, code, digits, spaces, specials, and random code points of every plane. */
  private static List<String> texts() throws IOException {
    List<String> texts =
        new ArrayList<>(
            List.of(
                "",
                " ",
                "  two  spaces ",
                "\n\n\t x\r\n",
                "1234567890 3.14159 ١٢٣ Ⅷ ½",
                "I'll've don't WE'RE 'tis",
                "naïve café — “quotes” … 你好，世界 こんにちは 🙂👍🏽 🇩🇪",
                "<|im_start|>user\nHi<|im_end|>\n<s>x</s> <unk><|endoftext|>",
                "def f(x):\n    return x ** 2  # comment",
                "e\u0301 \u00e9 \u200d \ufeff \u2028 \u00a0x"));
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 300; i++) {
      StringBuilder text = new StringBuilder();
      for (int c = 0; c < 30; c++) {
        int[] planes = {0x80, 0x250, 0x3000, 0x10000, 0x20000};
        int point = random.nextInt(1, planes[random.nextInt(planes.length)]);
        text.appendCodePoint(point >= 0xD800 && point < 0xE000 ? ' ' : point);
      }
      texts.add(text.toString());
    }
    texts.addAll(Files.readAllLines(Models.shared("data/text/wikitext2-valid.txt")));
    return texts;
  }

  private static void assertSame(Path expected, Path actual) throws IOException {
    try (Tokenizer a = Tokenizer.open(expected);
        Tokenizer b = Tokenizer.open(actual)) {
      assertEquals(a.vocabSize(), b.vocabSize());
      assertEquals(a.bosId(), b.bosId());
      assertEquals(a.eosId(), b.eosId());
      int tokens = 0;
      for (String text : texts()) {
        int[] ids = a.encodeWithSpecials(text);
        assertArrayEquals(ids, b.encodeWithSpecials(text), text);
        assertEquals(a.decode(ids, false), b.decode(ids, false));
        assertEquals(a.decode(ids), b.decode(ids));
        tokens += ids.length;
      }
      assertTrue(tokens > 100_000);
    }
  }

  @Test
  void smollm2FilesTokenizeAsTheirDirectory() throws IOException {
    Path model = Models.smollm2();
    assertSame(model, model.resolve("model.Q4_1.gguf"));
    assertSame(model, file(GgufVocabulary.metadata(model, 49152)));
  }

  @Test
  void storiesFilesTokenizeAsTheirDirectory() throws IOException {
    Path model = Models.shared("models/stories260k");
    Map<String, GgufValue> metadata = GgufVocabulary.metadata(model, 512);
    assertSame(model, file(metadata));
    // As other converters write them: the scores alone say what is merged.
    metadata.remove("tokenizer.ggml.merges");
    assertSame(model, file(metadata));
  }

  @Test
  void idsBeyondTheTokenizerAreFilledUp() throws IOException {
    Path model = TinyTokenizer.withTemplate(folder.resolve("tiny"), TinyTokenizer.CHATML);
    Map<String, GgufValue> metadata = GgufVocabulary.metadata(model, 300);
    assertEquals(new GgufValue.Text("gpt-2"), metadata.get("tokenizer.ggml.pre"));
    assertEquals(
        "[PAD299]", ((GgufValue.Texts) metadata.get("tokenizer.ggml.tokens")).values().getLast());
    Path file = file(metadata);
    try (Tokenizer tokenizer = Tokenizer.open(file)) {
      assertEquals(TinyTokenizer.VOCAB, tokenizer.vocabSize());
      assertArrayEquals(
          new int[] {TinyTokenizer.START, 'h', 'i', TinyTokenizer.END},
          tokenizer.encode("<|im_start|>hi<|im_end|>"));
    }
    List<Document.Message> messages = List.of(new Document.Message("user", "hi"));
    assertEquals(
        ChatTemplate.open(model).render(messages, true),
        ChatTemplate.open(file).render(messages, true));
    String small =
        assertThrows(InvalidInputException.class, () -> GgufVocabulary.metadata(model, 257))
            .getMessage();
    assertTrue(small.contains("'<|im_end|>' has the id 257"), small);
  }

  /** What a checkpoint gets that was trained from a file. */
  @Test
  void theFilesOfADirectoryAreMadeOfAFile() throws IOException {
    Path model = TinyTokenizer.withTemplate(folder.resolve("tiny"), TinyTokenizer.CHATML);
    Path made = folder.resolve("made");
    try (CheckpointWriter writer =
        CheckpointWriter.create(
            made, List.of(new CheckpointWriter.Declared("one", DType.F32, List.of(1L))), 100)) {
      TokenizerFiles.copy(file(GgufVocabulary.metadata(model, 258)), writer);
      writer.commit(JsonMapper.shared().createObjectNode());
    }
    List<Document.Message> messages = List.of(new Document.Message("user", "hi"));
    assertEquals(
        ChatTemplate.open(model).render(messages, true),
        ChatTemplate.open(made).render(messages, true));
    try (Tokenizer a = Tokenizer.open(model);
        Tokenizer b = Tokenizer.open(made)) {
      assertEquals(a.bosId(), b.bosId());
      assertEquals(a.eosId(), b.eosId());
      assertArrayEquals(a.encode("hi<|im_end|>"), b.encode("hi<|im_end|>"));
    }
  }

  @Test
  void theChatTemplateAndItsTokensComeFromTheFile() throws IOException {
    Path model = Models.smollm2();
    List<Document.Message> messages =
        List.of(new Document.Message("user", "Hi"), new Document.Message("assistant", "Hello."));
    String expected = ChatTemplate.open(model).render(messages, true);
    assertEquals(
        expected, ChatTemplate.open(model.resolve("model.Q4_1.gguf")).render(messages, true));
    assertTrue(
        ChatTemplate.find(
                file(
                    Map.of(
                        "tokenizer.ggml.model", new GgufValue.Text("llama"),
                        "tokenizer.ggml.scores", new GgufValue.Reals(List.of(0f)),
                        "tokenizer.ggml.tokens", new GgufValue.Texts(List.of("a")))))
            .isEmpty());
  }

  @Test
  void eachKnownCutIsFoundAgainInATokenizerJson() {
    for (PreTokenizer pre : PreTokenizer.values()) {
      var json = JsonMapper.shared().createObjectNode();
      json.set("normalizer", pre.normalizer());
      json.set("pre_tokenizer", pre.json());
      json.putObject("model").put("ignore_merges", pre.ignoreMerges());
      assertEquals(pre, PreTokenizer.of(json).orElseThrow());
      assertEquals(pre, PreTokenizer.named(pre.ggufName()).orElseThrow());
    }
  }

  @Test
  void whatIsNotKnownIsRefusedByName() throws IOException {
    Map<String, GgufValue> good = new LinkedHashMap<>();
    good.put("tokenizer.ggml.model", new GgufValue.Text("gpt2"));
    good.put("tokenizer.ggml.pre", new GgufValue.Text("gpt-2"));
    good.put("tokenizer.ggml.tokens", new GgufValue.Texts(List.of("a", "b", "ab")));
    good.put("tokenizer.ggml.merges", new GgufValue.Texts(List.of("a b")));
    try (Tokenizer tokenizer = Tokenizer.open(file(good))) {
      assertArrayEquals(new int[] {2, 0}, tokenizer.encode("aba"));
    }
    assertRefused(good, "pre", new GgufValue.Text("viking"), "pre is 'viking', a pre-tokenizer");
    assertRefused(good, "model", new GgufValue.Text("bert"), "model is 'bert'");
    assertRefused(good, "merges", new GgufValue.Texts(List.of("ab")), "'ab', which is no pair");
    assertRefused(
        good, "bos_token_id", new GgufValue.Whole(3), "bos_token_id is 3, but there are 3");
    assertRefused(
        good, "token_type", new GgufValue.Wholes(List.of(1L)), "token_type has 1 entries for 3");
    assertRefused(good, "tokens", new GgufValue.Whole(3), "tokens is not an array of strings");
    for (String key : List.of("model", "pre", "tokens", "merges")) {
      Map<String, GgufValue> metadata = new LinkedHashMap<>(good);
      metadata.remove("tokenizer.ggml." + key);
      assertRefused(metadata, "lacks tokenizer.ggml." + key);
    }
  }

  private void assertRefused(
      Map<String, GgufValue> good, String key, GgufValue value, String reason) throws IOException {
    Map<String, GgufValue> metadata = new LinkedHashMap<>(good);
    metadata.put("tokenizer.ggml." + key, value);
    assertRefused(metadata, reason);
  }

  private void assertRefused(Map<String, GgufValue> metadata, String reason) throws IOException {
    Path file = file(metadata);
    String message =
        assertThrows(InvalidInputException.class, () -> Tokenizer.open(file).close()).getMessage();
    assertTrue(message.contains(reason), message);
  }

  @Test
  void tokenizersThatLlamaCppCannotNameAreRefused() throws IOException {
    Path model = TinyTokenizer.write(folder.resolve("tiny"), false);
    Path json = model.resolve("tokenizer.json");
    String whole = Files.readString(json);
    Files.writeString(json, whole.replace("\"ByteLevel\"", "\"Whitespace\""));
    String message =
        assertThrows(InvalidInputException.class, () -> GgufVocabulary.metadata(model, 258))
            .getMessage();
    assertTrue(message.contains("it can name gpt-2, smollm"), message);
    Files.writeString(json, whole.replace("\"BPE\"", "\"Unigram\""));
    message =
        assertThrows(InvalidInputException.class, () -> GgufVocabulary.metadata(model, 258))
            .getMessage();
    assertTrue(message.contains("Unigram"), message);
  }
}
