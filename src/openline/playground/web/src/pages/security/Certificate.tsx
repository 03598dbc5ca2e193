import type { CertificateText } from "./records";

export function Certificate({ certificate }: { certificate: CertificateText | null }) {
  if (!certificate) return null;
  const days = Math.floor((Date.parse(certificate.until) - Date.now()) / 86_400_000);
  return (
    <section class="card" aria-labelledby="certificate-title">
      <div class="card-head">
        <h2 id="certificate-title">The certificate</h2>
        <span class="quiet">{certificate.self_signed ? "made on this machine, signed by itself" : "signed by an authority"}</span>
      </div>
      <p class="explained">
        TLS hides what is said; the certificate says to whom. {certificate.self_signed && "Nobody has vouched for this one: compare the fingerprint, or get one from an authority."}
      </p>
      <dl class="certificate">
        <dt>Subject</dt>
        <dd>{certificate.subject}</dd>
        <dt>Issuer</dt>
        <dd>{certificate.issuer}</dd>
        <dt>Names</dt>
        <dd>{certificate.names.join(", ")}</dd>
        <dt>Valid</dt>
        <dd>
          {day(certificate.from)} to {day(certificate.until)}, {days} days left
        </dd>
        <dt>Key</dt>
        <dd>{certificate.key}</dd>
        <dt>SHA-256</dt>
        <dd>
          <code>{certificate.fingerprint}</code>
        </dd>
      </dl>
    </section>
  );
}

function day(iso: string): string {
  return new Date(iso).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}
