package dev.graft.task;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.graft.data.DataFolder;
import dev.graft.peers.Shared;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What lm_eval 0.4.13's {@code wikitext_detokenizer} makes of the same. */
class WikitextTest {
  @Test
  void aPageIsDetokenizedAsLmEvaluationHarnessDoes() {
    assertEquals(
        " = Robert Boulter =\n\nthe boys'toys-made 1,000 of 3.5: a; b. c! d? e, f (x ( y) ) [z] {q}"
            + " \"said he\"' so 'he's === H ===\n20°C 1 men $1 \\\n",
        WikitextDetokenizer.detokenize(
            " = Robert Boulter = \n \n the boys ' toys @-@ made 1 @,@ 000 of 3 @.@ 5 : a ; b . c ! d"
                + " ? e , f ( x ( y ) ) [ z ] { q } \" said he \" ' so ' he 's = = = H = = = \n 20 °"
                + " C N men $1 \\ \n"));
  }

  @Test
  void theValidationSplitIsSixtyArticles() throws IOException, NoSuchAlgorithmException {
    DataFolder folder = new DataFolder(Shared.path("data/eval"));
    List<String> pages =
        new Questions(TaskReader.named("wikitext"), folder, 0, Optional.empty())
            .read(1000).getFirst().questions().stream()
                .map(question -> ((Question.Roll) question).text())
                .toList();
    assertEquals(60, pages.size());
    byte[] hash =
        MessageDigest.getInstance("SHA-256")
            .digest(String.join("\0", pages).getBytes(StandardCharsets.UTF_8));
    assertEquals(
        "07ba40a12c0e195e14458a7693caee338652871512939642bbc7559a24405777",
        HexFormat.of().formatHex(hash));
  }
}
