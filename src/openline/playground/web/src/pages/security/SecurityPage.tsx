/** Is it secure? The same words over ws and wss, the certificate, a foreign page, and a token that expires. */

import "./security.css";

import { Frame } from "../../frame/Frame";
import { Certificate } from "./Certificate";
import { Foreign } from "./Foreign";
import { OnTheWireOf } from "./Overheard";
import { Token } from "./Token";
import { useOverheard } from "./useOverheard";

export function SecurityPage() {
  return (
    <Frame
      name="security"
      title="Is it secure?"
      label="Security"
      lead={
        <>
          As secure as you make it: TLS against those who listen, the Origin against pages that are not yours, a token for who
          it is, and an end for the token. Each of them live.
        </>
      }
    >
      <Secured />
    </Frame>
  );
}

function Secured() {
  const overheard = useOverheard();
  return (
    <div class="security">
      <OnTheWireOf overheard={overheard} />
      <Certificate certificate={overheard.certificate} />
      <Foreign overheard={overheard} />
      <Token />
    </div>
  );
}
