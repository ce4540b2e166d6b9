package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.text.IndexedDataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeCommandTest {
  @TempDir Path folder;

  /** Ids are letters by their place, a is 0; anything else is 3; the end of a text is 4. */
  private Path tokenizer(String config) throws IOException {
    Path directory = Files.createDirectories(folder.resolve("tokenizer"));
    Files.writeString(
        directory.resolve("tokenizer.json"),
        """
        {"version": "1.0", "added_tokens": [
           {"id": 4, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
         "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": false},
         "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "c": 2, "?": 3}, "unk_token": "?"}}
        """);
    Files.writeString(directory.resolve("tokenizer_config.json"), config);
    return directory;
  }

  private Captured tokenize(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of("tokenize"));
    all.addAll(List.of(arguments));
    all.addAll(
        List.of("--tokenizer", tokenizer("{\"eos_token\": \"</s>\"}").toString(), "--out", out()));
    return Captured.run(all.toArray(String[]::new));
  }

  private String out() {
    return folder.resolve("out/tokens").toString();
  }

  private String file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content).toString();
  }

  private List<List<Integer>> documents() throws IOException {
    try (IndexedDataset dataset = IndexedDataset.open(Path.of(out()))) {
      List<List<Integer>> all = new ArrayList<>();
      for (int d = 0; d < dataset.documents(); d++) {
        List<Integer> ids = new ArrayList<>();
        for (int id : dataset.document(d)) {
          ids.add(id);
        }
        all.add(ids);
      }
      return all;
    }
  }

  @Test
  void filesBecomeOneDatasetInTheirOrder() throws IOException {
    Captured done = tokenize(file("x.txt", "ab\n\nc\n"), file("y.jsonl", "{\"text\": \"ba\"}\n"));
    assertEquals(0, done.code(), done.err());
    assertEquals("wrote " + out() + ".bin and .idx: 3 documents, 8 tokens\n", done.out());
    assertTrue(done.err().startsWith("tokenize: 0.0 of 0.0 MB (100 %)"), done.err());
    assertTrue(done.err().contains("3 documents, "), done.err());
    assertTrue(done.err().contains(" documents/s"), done.err());
    assertEquals(List.of(List.of(0, 1, 4), List.of(2, 4), List.of(1, 0, 4)), documents());
  }

  @Test
  void optionsDecideWhatADocumentIs() throws IOException {
    String text = file("x.txt", "ab\n\nc");
    assertEquals(0, tokenize(text, "--split", "file", "--no-append-eos").code());
    assertEquals(List.of(List.of(0, 1, 3, 2)), documents());
    assertEquals(0, tokenize(text, "--no-append-eos", "--workers", "3").code());
    assertEquals(List.of(List.of(0, 1), List.of(2)), documents());
    String lines = file("x.jsonl", "{\"body\": \"a\"}");
    assertEquals(0, tokenize(lines, "--text-key", "body", "--append-eos").code());
    assertEquals(List.of(List.of(0, 4)), documents());
  }

  private void refused(Captured captured, String sentence) {
    assertEquals(2, captured.code(), captured.err());
    assertEquals("", captured.out());
    String last = captured.err().lines().reduce((_, line) -> line).orElseThrow();
    assertTrue(last.startsWith("graft: " + sentence), captured.err());
    assertFalse(Files.exists(Path.of(out() + ".bin")));
  }

  @Test
  void mistakesAreOneSentence() throws IOException {
    String good = file("x.txt", "ab");
    String empty = file("empty.txt", "");
    String bad = file("bad.jsonl", "{\"text\": \"a\"}\n{\"text\": }\n");
    refused(tokenize(bad), bad + ": line 2 is not JSON");
    refused(tokenize(empty), empty + ": there is no text");
    refused(tokenize(good, folder.resolve("no.txt").toString()), folder.resolve("no.txt") + ": ");
    refused(tokenize(file("x.csv", "a")), folder.resolve("x.csv") + ": the name ends in neither");
    refused(tokenize(good, "--split", "lines"), "--split is 'lines'; it is blank-line or file");
    refused(tokenize(good, "--workers", "-1"), "--workers is -1");
    String talk = file("talk.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}");
    refused(tokenize(talk), talk + ": line 1 holds messages, but");
  }

  @Test
  void aTokenizerThatDoesNotFitTheModelBesideItIsRefused() throws IOException {
    Files.createDirectories(folder.resolve("tokenizer"));
    Path config = folder.resolve("tokenizer/config.json");
    Files.writeString(config, "{\"vocab_size\": 4}");
    String text = file("x.txt", "ab");
    refused(
        tokenize(text),
        text + ": line 1: the tokenizer gives token 4 but vocab_size in its config");
    Files.writeString(config, "{\"vocab_size\": 5}");
    assertEquals(0, tokenize(text).code());
  }

  @Test
  void aTokenizerWithoutEosNeedsTheOption() throws IOException {
    String directory = tokenizer("{}").toString();
    String text = file("x.txt", "ab");
    refused(
        Captured.run("tokenize", text, "--tokenizer", directory, "--out", out()),
        "--tokenizer: names no end-of-sequence token");
    Captured done =
        Captured.run("tokenize", text, "--tokenizer", directory, "--out", out(), "--no-append-eos");
    assertEquals(0, done.code(), done.err());
  }
}
